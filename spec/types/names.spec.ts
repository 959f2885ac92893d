/* eslint-disable rxjs-x/no-floating-observables -- nothing here runs */
import { join } from 'node:path';
import type { Observable } from 'rxjs';
import ts from 'typescript';
import {
  EventListener,
  ofEvent,
  type EventBus,
  type EventFilter,
  type EventName,
  type EventNames,
  type QmpClient,
  type QmpEvent,
  type ScopedListener,
} from 'rx-qmp';
import { compile } from '../generate/compile.js';
import { compiles, expectType } from '../support/expect-type.js';

const root = join(__dirname, '../..');

describe('a name', () => {
  it('may be a template, which is no literal', () => {
    compiles(async (bus: EventBus, client: QmpClient, n: number, text: string, port: 1 | 2) => {
      expectType<unknown>()(await client.execute(`x-${n}`));
      expectType<unknown>()(await client.execute(`x-${text}`, { any: 'thing' }, { timeout: 5 }));
      client.execute$(`x-${n}`);
      expectType<Observable<QmpEvent<`X_${number}`>>>()(bus.observe(`X_${n}`));
      expectType<ScopedListener<`X_${string}`>>()(bus.listener(`X_${text}`));
      expectType<Observable<QmpEvent<'STOP' | `X_${number}`>>>()(bus.observe(['STOP', `X_${n}`]));
      new EventListener(`X_${n}`);
      new EventListener(['STOP', `X_${text}`]);
      ofEvent('STOP', `X_${n}`);
      // @ts-expect-error -- two literals, and neither is listed
      await client.execute(`x-${port}`);
      // @ts-expect-error -- two literals, and neither is listed
      bus.observe(`X_${port}`);
      // @ts-expect-error -- a typo beside a template
      bus.observe(['STPO', `X_${n}`]);
    });
  });

  it('may be whatever a wrapper takes and hands on', () => {
    compiles((bus: EventBus, names: EventNames, list: EventName | readonly EventName[], open: string | string[]) => {
      const observe = (names?: EventNames, filter?: EventFilter): Observable<QmpEvent> => bus.observe(names, filter);
      const listen = (names?: EventNames, filter?: EventFilter): ScopedListener => bus.listener(names, filter);
      expectType<Observable<QmpEvent>>()(bus.observe(names));
      expectType<ScopedListener>()(bus.listener(names));
      expectType<Observable<QmpEvent>>()(bus.observe(list));
      expectType<Observable<QmpEvent>>()(bus.observe(open, (event) => event.event === 'STOP'));
      return [observe, listen];
    });
  });

  it('of type string goes with a filter for every event', () => {
    compiles((bus: EventBus, name: string, names: readonly string[], filter: EventFilter) => {
      bus.observe(name, filter);
      bus.listener(names, filter);
    });
  });

  it('with a typo is answered with the name that was meant', () => {
    const program = `
      import { EventListener, ofEvent, type EventBus, type QmpClient } from './src/index.js';
      export function typos(bus: EventBus, client: QmpClient): void {
        bus.observe('STOPP');
        bus.observe(['RESET', 'STOPP']);
        bus.listener('STOPP');
        new EventListener('STOPP');
        ofEvent('STOPP');
        void client.execute('query-staus');
        client.execute$('query-staus');
      }`;
    const options = { lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'], types: ['node'] };
    const meant = [...Array<string>(5).fill('STOP'), 'query-status', 'query-status'];
    expect(compile({ 'main.ts': program }, options)).toEqual(
      meant.map((name): unknown => expect.stringContaining(`Did you mean '"${name}"'?`)),
    );
  }, 60_000);

  it.each([
    { call: `bus.observe('')`, names: ['JOB_STATUS_CHANGE', 'STOP'] },
    { call: `bus.observe('ST')`, names: ['JOB_STATUS_CHANGE', 'STOP'] },
    { call: `bus.listener('')`, names: ['JOB_STATUS_CHANGE', 'STOP'] },
    { call: `new EventListener('')`, names: ['JOB_STATUS_CHANGE', 'STOP'] },
    { call: `client.execute('')`, names: ['query-status', 'stop'] },
    { call: `client.execute$('')`, names: ['query-status', 'stop'] },
  ])(
    'is offered by an editor in $call',
    ({ call, names }) => {
      expect(offered(call)).toEqual(expect.arrayContaining(names));
    },
    60_000,
  );
});

/** What an editor offers before the closing quote. */
function offered(call: string): string[] {
  const text = `import { EventListener, type EventBus, type QmpClient } from './src/index.js';
    export const f = (bus: EventBus, client: QmpClient) => ${call};`;
  const file = join(root, 'main.ts');
  const service = ts.createLanguageService({
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => ts.ScriptSnapshot.fromString(name === file ? text : (ts.sys.readFile(name) ?? '')),
    getCurrentDirectory: () => root,
    getCompilationSettings: () => ({
      strict: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
    }),
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (name) => name === file || ts.sys.fileExists(name),
    readFile: (name) => ts.sys.readFile(name),
  });
  const { entries = [] } = service.getCompletionsAtPosition(file, text.lastIndexOf(`'`), {}) ?? {};
  return entries.map(({ name }) => name);
}
