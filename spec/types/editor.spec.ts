import { join } from 'node:path';
import typescript from 'typescript';
import { knownNames } from '../../src/generate/index.js';

const { events, commands } = knownNames;
const root = join(__dirname, '../..');
const file = join(root, 'editor.ts');

const prelude = `
import { EventListener, ofEvent, type EventBus, type EventNames, type Message, type QmpClient } from './src/index.js';
import { event, eventAt, type FakeQemu } from './src/testing.js';
import { injectQmpHistory } from './src/angular.js';
import { firstValueFrom, merge, switchMap, type Observable } from 'rxjs';
declare const bus: EventBus, client: QmpClient, fake: FakeQemu, messages$: Observable<Message>;
declare const text: string, names: EventNames;
const blockdev = { driver: 'qcow2', file: 'node0', 'node-name': 'node1' };
const netdev = { type: 'user', id: 'net0' };
const action = { type: 'blockdev-backup', data: { device: 'a', target: 'b', sync: 'full' } };
`;

describe.each([
  ['6.0', typescript],
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an alias of an older release, with the same types
  ['5.9', require('typescript-5.9') as typeof typescript],
])('an editor with TypeScript %s', (version, ts) => {
  const editor = openEditor(ts);

  it('is what it says', () => {
    expect(ts.version).toContain(version);
  });

  it.each([
    { call: `bus.observe('|')`, offers: events },
    { call: `bus.observe(['|'])`, offers: events },
    { call: `bus.observe(['STOP', '|'])`, offers: events },
    { call: `bus.observe('ST|')`, offers: events },
    { call: `bus.observe('|', (event) => event.data)`, offers: events },
    { call: `bus.listener('|')`, offers: events },
    { call: `bus.listener(['|'])`, offers: events },
    { call: `bus.listener(['STOP', '|'])`, offers: events },
    { call: `new EventListener('|')`, offers: events },
    { call: `new EventListener(['|'])`, offers: events },
    { call: `new EventListener(['STOP', '|'])`, offers: events },
    { call: `ofEvent('|')`, offers: events },
    { call: `ofEvent('STOP', '|')`, offers: events },
    { call: `messages$.pipe(ofEvent('|'))`, offers: events },
    { call: `messages$.pipe(ofEvent('STOP', '|'))`, offers: events },
    { call: `firstValueFrom(bus.observe('|'))`, offers: events },
    { call: `merge(bus.observe('STOP'), bus.observe('|'))`, offers: events },
    { call: `messages$.pipe(switchMap(() => bus.observe('|')))`, offers: events },
    { call: `bus.listen(new EventListener('|'))`, offers: events },
    { call: `bus.registerListener(new EventListener(['STOP', '|']))`, offers: events },
    { call: `injectQmpHistory('|')`, offers: events },
    { call: `injectQmpHistory(['STOP', '|'])`, offers: events },
    { call: `event('|')`, offers: events },
    { call: `eventAt(5, '|')`, offers: events },
    { call: `fake.emit('|')`, offers: events },
    { call: `fake.on('|')`, offers: commands },
    { call: `fake.on('|', {})`, offers: commands },
    { call: `client.execute('|')`, offers: commands },
    { call: `client.execute$('|')`, offers: commands },
  ])('offers all names in $call', ({ call, offers }) => {
    expect(editor.completionsIn(call)).toEqual(expect.arrayContaining([...offers]));
  });

  it.each([
    { call: `bus.observe('STOPP')`, meant: 'STOP' },
    { call: `bus.observe(['RESET', 'STOPP'])`, meant: 'STOP' },
    { call: `bus.listener('STOPP')`, meant: 'STOP' },
    { call: `bus.listener(['RESET', 'STOPP'])`, meant: 'STOP' },
    { call: `new EventListener('STOPP')`, meant: 'STOP' },
    { call: `new EventListener(['RESET', 'STOPP'])`, meant: 'STOP' },
    { call: `ofEvent('STOPP')`, meant: 'STOP' },
    { call: `ofEvent('RESET', 'STOPP')`, meant: 'STOP' },
    { call: `injectQmpHistory('STOPP')`, meant: 'STOP' },
    { call: `event('STOPP')`, meant: 'STOP' },
    { call: `fake.emit('STOPP')`, meant: 'STOP' },
    { call: `fake.on('query-staus', {} as never)`, meant: 'query-status' },
    { call: `client.execute('query-staus')`, meant: 'query-status' },
    { call: `client.execute$('query-staus')`, meant: 'query-status' },
  ])('answers $call with one short error that says what was meant', ({ call, meant }) => {
    const [error, ...more] = editor.errorsIn(call);
    expect(more).toEqual([]);
    expect(error).toMatch(`Did you mean '"${meant}"'?`);
    expect(error?.length).toBeLessThan(250);
  });

  it.each([
    [`bus.observe('STOP')`, `Observable<QmpEvent<"STOP">>`],
    [`bus.observe(['STOP', 'RESUME'])`, `Observable<QmpEvent<"RESUME"> | QmpEvent<"STOP">>`],
    [`bus.observe()`, 'Observable<AnyEvent>'],
    [`bus.observe(text)`, 'Observable<AnyEvent>'],
    [`bus.observe(new EventListener('STOP'))`, `Observable<QmpEvent<"STOP">>`],
    [`bus.listener('STOP')`, `ScopedListener<"STOP", QmpEvent<"STOP">>`],
    [`new EventListener(names)`, 'EventListener<string, AnyEvent>'],
    [`await bus.listener('STOP').get()`, `QmpEvent<"STOP">`],
    [`messages$.pipe(ofEvent('STOP'))`, `Observable<QmpEvent<"STOP">>`],
    [`event('STOP')`, `QmpEvent<"STOP">`],
    [`injectQmpHistory('STOP')`, `Signal<readonly QmpEvent<"STOP">[]>`],
    [`client.execute('query-status')`, 'Promise<StatusInfo>'],
  ])('shows the type of %s as %s', (call, type) => {
    expect(editor.hoverOver(call)).toBe(`const it: ${type}`);
  });

  it.each([
    [`blockdev-add', blockdev`, 'BlockdevOptions'],
    [`netdev_add', netdev`, 'Netdev'],
    [`transaction', { actions: [action] }`, 'TransactionAction'],
  ])('names the way out where a tag has widened to a string, in execute(%s)', (args, type) => {
    const [error, ...more] = editor.errorsIn(`client.execute('${args})`);
    expect(more).toEqual([]);
    expect(error).toMatch(`Type 'string' is not assignable to type 'Literal<"as const", "satisfies Qapi.${type}">'.`);
  });

  it('shows the event in a filter by its name', () => {
    const call = `bus.observe('STOP', (event) => event.timestamp.seconds > 5)`;
    expect(editor.hoverOver(call, 'event)')).toBe('(parameter) event: QmpEvent<"STOP">');
  });
});

interface Editor {
  /** What is offered at the bar. */
  completionsIn(call: string): string[];
  errorsIn(call: string): string[];
  /** What is shown over the result, or over another place. */
  hoverOver(call: string, place?: string): string;
}

function openEditor(ts: typeof typescript): Editor {
  let text = '';
  let edits = 0;
  const show = (call: string): void => {
    text = `${prelude}const it = ${call.replace('|', '')};\nexport {};\n`;
    edits += 1;
  };
  const service = ts.createLanguageService({
    getScriptFileNames: () => [file],
    getScriptVersion: (name) => (name === file ? `${edits}` : '1'),
    getScriptSnapshot: (name) => ts.ScriptSnapshot.fromString(name === file ? text : (ts.sys.readFile(name) ?? '')),
    getCurrentDirectory: () => root,
    getCompilationSettings: () => ({
      strict: true,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      skipLibCheck: true,
    }),
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (name) => name === file || ts.sys.fileExists(name),
    readFile: (name) => ts.sys.readFile(name),
  });
  return {
    completionsIn(call) {
      show(call);
      const place = prelude.length + 'const it = '.length + call.indexOf('|');
      return (service.getCompletionsAtPosition(file, place, {})?.entries ?? []).map(({ name }) => name);
    },
    errorsIn(call) {
      show(call);
      return service
        .getSemanticDiagnostics(file)
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
    },
    hoverOver(call, place = 'it =') {
      show(call);
      const info = service.getQuickInfoAtPosition(file, text.indexOf(place, prelude.length));
      return ts.displayPartsToString(info?.displayParts);
    },
  };
}
