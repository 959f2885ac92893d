import { BehaviorSubject, EMPTY, firstValueFrom, Observable, of, Subject, throwError } from 'rxjs';
import type { Connector } from 'rx-qmp';
import {
  HubClient,
  type PastEvent,
  type SourceEvent,
  type SourceRange,
  type SourceVm,
  type VmSource,
} from 'rx-qmp/node';
import { event, FakeQemu } from 'rx-qmp/testing';
import { DistantVm } from '../../src/gateway/distant-vm.js';
import { closeAll, closeLater, startHub, until, type HubUnderTest } from './hub-under-test.js';
import { get, OPERATOR, RawClient, refusal, VIEWER } from './raw-client.js';

afterEach(closeAll);

const SINCE = '2026-01-01T00:00:00.000Z';

function told(name: string, more: Partial<SourceVm> = {}): SourceVm {
  return { name, state: 'ready', since: SINCE, ...more };
}

/** A source that is told what to tell. */
class ScriptedSource implements VmSource {
  readonly #lists: BehaviorSubject<readonly SourceVm[]>;
  readonly #events = new Subject<SourceEvent>();
  readonly vms$: Observable<readonly SourceVm[]>;
  readonly events$: Observable<SourceEvent> = this.#events.asObservable();
  readonly fake = new FakeQemu();
  readonly dialled: string[] = [];
  readonly asked: [string, SourceRange][] = [];
  /** Waits before it dials. */
  before: Promise<void> = Promise.resolve();

  constructor(...names: string[]) {
    this.#lists = new BehaviorSubject<readonly SourceVm[]>(names.map((name) => told(name)));
    this.vms$ = this.#lists.asObservable();
  }

  get list(): readonly SourceVm[] {
    return this.#lists.value;
  }

  set list(vms: readonly SourceVm[]) {
    this.#lists.next(vms);
  }

  tell(one: SourceEvent): void {
    this.#events.next(one);
  }

  fail(error: Error): void {
    this.#lists.error(error);
  }

  connector(name: string): Connector {
    return async (signal) => {
      this.dialled.push(name);
      await this.before;
      return this.fake.connector(signal);
    };
  }
}

const authorized = (token = OPERATOR): Record<string, string> => ({ Authorization: `Bearer ${token}` });

async function listOf({ hub }: HubUnderTest, token?: string): Promise<unknown[]> {
  return JSON.parse((await get(`${hub.url}/vms`, authorized(token))).body) as unknown[];
}

describe('VMs of other hosts (H14)', () => {
  it('are in /vms and /events as their source tells them, 10,000 without a connection to any (H14)', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `h${index % 10}/vm${index}`);
    const source = new ScriptedSource(...names);
    const test = await startHub({ source });
    expect(await listOf(test)).toHaveLength(10_001);
    const watcher = closeLater(await RawClient.open(`${test.hub.url}/events`, { token: VIEWER }));
    expect((await watcher.next())['vms']).toHaveLength(10_001);
    source.list = [
      ...source.list.slice(1),
      told('h1/new', { status: 'paused', jobs: [], qemu: '9.1.0', uuid: 'x' } as Partial<SourceVm>),
    ];
    expect(await watcher.next()).toEqual({
      added: [{ ...told('h1/new'), status: 'paused', jobs: [], qemu: '9.1.0', events: 0 }],
      removed: ['h0/vm0'],
    });
    const unknown = { state: 'unknown', reason: 'its agent is not heard' } as const;
    source.list = source.list.map((vm) => (vm.name === 'h1/vm1' ? { ...vm, ...unknown } : vm));
    expect(await watcher.next()).toEqual({ changed: [{ ...told('h1/vm1'), ...unknown, events: 0 }] });
    expect(source.dialled).toEqual([]);
    const metrics = await get(`${test.hub.url}/metrics`, authorized());
    expect(metrics.body).toContain('rxqmp_vm_up{vm="h1/vm1"} 0\n');
    expect(metrics.body).toContain('rxqmp_vm_up{vm="h1/vm11"} 1\n');
    expect(metrics.body).not.toContain('rxqmp_vm_clients{vm="h1/');
  });

  it('are dialled when somebody opens them, with the name encoded in the URL, and audited (H14)', async () => {
    const source = new ScriptedSource('h1/vm7', 'h1/vm8');
    const test = await startHub({ source, allow: ['stop'] });
    const hub = closeLater(new HubClient(test.hub.url, { token: OPERATOR }));
    const client = closeLater(hub.client('h1/vm7'));
    await client.connect();
    const stops = client.listener('STOP');
    await client.execute('stop');
    expect((await stops.get()).event).toBe('STOP');
    expect(source.dialled).toEqual(['h1/vm7']);
    await test.logged(/audit operator-1 \S+ h1\/vm7 stop done/);
    const audit = await get(`${test.hub.url}/vms/h1%2Fvm7/audit`, authorized());
    expect(JSON.parse(audit.body)).toMatchObject({ vm: 'h1/vm7', command: 'stop', outcome: 'done' });
    const metrics = await get(`${test.hub.url}/metrics`, authorized());
    expect(metrics.body).toContain('rxqmp_vm_commands_total{vm="h1/vm7"} 1\n');
    expect((await get(`${test.hub.url}/vms/h1%2Fvm7/screen`, authorized())).status).toBe(403);
    for (const path of ['/vms/h1/vm7', '/vms/h1%2Fvm9', '/vms/h1%252Fvm7']) {
      expect(await refusal(`${test.hub.url}${path}`, { token: OPERATOR })).toBe(404);
    }
  });

  it('have no screen (H14)', async () => {
    const source = new ScriptedSource('h1/vm7');
    const test = await startHub({ source, tokens: [{ role: 'viewer', token: VIEWER, screen: true }] });
    const screen = await get(`${test.hub.url}/vms/h1%2Fvm7/screen`, authorized(VIEWER));
    expect(screen).toMatchObject({ status: 404, body: 'no screens of VMs of other hosts' });
  });

  it('are shown to the tokens that name them (H9, H14)', async () => {
    const ann = 'ann-0123456789abcdef';
    const source = new ScriptedSource('h1/vm7', 'h2/vm7', 'h10/vm7');
    const test = await startHub({
      source,
      tokens: [
        { role: 'operator', token: OPERATOR },
        { role: 'viewer', token: ann, vms: ['h1/*'] },
      ],
    });
    expect(await listOf(test, ann)).toMatchObject([{ name: 'h1/vm7' }]);
    expect(await refusal(`${test.hub.url}/vms/h1%2Fvm7`, { token: ann })).toBe(101);
    expect(await refusal(`${test.hub.url}/vms/h10%2Fvm7`, { token: ann })).toBe(404);
    expect(source.dialled).toEqual(['h1/vm7']);
  });

  it('whose events the source tells have them in /events, a loss as a hole in k, without being dialled (H7, H14)', async () => {
    const source = new ScriptedSource('h1/vm7');
    const test = await startHub({ source });
    // Faster than the news of its VM.
    source.tell({ vm: 'h2/new', event: event('STOP') });
    const hub = closeLater(new HubClient(test.hub.url, { token: OPERATOR, last: 100 }));
    const [heard, missed]: [string[], (number | undefined)[]] = [[], []];
    hub.gaps$.subscribe((gap) => missed.push(gap.missed));
    hub.events$.subscribe(({ vm, event: { event: name } }) => heard.push(`${vm} ${name}`));
    await firstValueFrom(hub.vms$);
    source.list = [told('h1/vm7'), told('h2/new')];
    source.tell({ vm: 'h1/vm7', event: event('RESUME') });
    source.tell({ vm: 'h1/vm7', event: event('STOP'), missed: 2 });
    await until(() => heard.length === 3);
    expect(heard).toEqual(['h2/new STOP', 'h1/vm7 RESUME', 'h1/vm7 STOP']);
    expect(missed).toEqual([2]);
    expect(test.hub.vms.at(-2)).toMatchObject({ name: 'h1/vm7', events: 4, lastEvent: { event: 'STOP' } });
    expect(source.dialled).toEqual([]);
  });

  it('of a source without events have those of their session, while there is one (H14)', async () => {
    const { fake, ...scripted } = new ScriptedSource('h1/vm7');
    const source: VmSource = { vms$: scripted.vms$, connector: () => fake.connector };
    const test = await startHub({ source });
    const watcher = closeLater(await RawClient.open(`${test.hub.url}/events`, { token: VIEWER }));
    await watcher.next();
    closeLater(await RawClient.negotiated(`${test.hub.url}/vms/h1%2Fvm7`, { token: VIEWER }));
    fake.emit('STOP');
    expect(await watcher.next()).toMatchObject({ vm: 'h1/vm7', k: 1, event: { event: 'STOP' } });
  });

  it('are left when the list has them no more: their clients are told, and refused from then on (H14)', async () => {
    const source = new ScriptedSource('h1/vm7');
    const test = await startHub({ source });
    const client = closeLater(await RawClient.negotiated(`${test.hub.url}/vms/h1%2Fvm7`, { token: VIEWER }));
    source.list = [];
    expect((await client.closed).code).toBe(1012);
    expect(await refusal(`${test.hub.url}/vms/h1%2Fvm7`, { token: VIEWER })).toBe(404);
  });

  it('that cannot be reached are refused with 503, and the log says why (H14)', async () => {
    const source = new ScriptedSource('h1/vm7');
    source.fake.kill();
    const test = await startHub({ source });
    expect(await refusal(`${test.hub.url}/vms/h1%2Fvm7`, { token: VIEWER })).toBe(503);
    await test.logged(/503: h1\/vm7: there is no session: /);
  });

  it('do not open to a token that was taken away while they were dialled (H9, H14)', async () => {
    const source = new ScriptedSource('h1/vm7');
    let dial: () => void = () => undefined;
    source.before = new Promise((resolve) => (dial = resolve));
    const { hub } = await startHub({ source });
    const refused = refusal(`${hub.url}/vms/h1%2Fvm7`, { token: VIEWER });
    await until(() => source.dialled.length > 0);
    hub.setTokens([{ role: 'operator', token: OPERATOR }]);
    dial();
    expect(await refused).toBe(401);
  });

  it('take no more places than there are, however many dial at once (H10, H14)', async () => {
    const source = new ScriptedSource('h1/vm7');
    let dial: () => void = () => undefined;
    source.before = new Promise((resolve) => (dial = resolve));
    const { hub } = await startHub({ source, limits: { clientsPerToken: 2 } });
    const url = `${hub.url}/vms/h1%2Fvm7`;
    const waiting = jest.spyOn(DistantVm.prototype, 'reach');
    const answers = Array.from({ length: 5 }, () => RawClient.open(url, { token: VIEWER }).then(closeLater));
    await until(() => waiting.mock.calls.length === 5);
    waiting.mockRestore();
    dial();
    const outcomes = await Promise.allSettled(answers);
    expect(source.dialled).toEqual(['h1/vm7']);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  });

  it('whose names are not valid are left out, and told once (H14)', async () => {
    const source = new ScriptedSource('h1/vm7', 'vm1', 'h1/', '/vm', 'h1/<b>', 'h1/../x', 'h1/a\nb');
    const test = await startHub({ source });
    source.list = [...source.list];
    expect(await listOf(test)).toMatchObject([{ name: 'vm1', qemu: '7.2.22' }, { name: 'h1/vm7' }]);
    expect(test.log.filter((line) => line.includes('left out'))).toHaveLength(6);
    expect(() => {
      test.hub.add('h1/vm9', source.fake.connector);
    }).toThrow(TypeError);
  });

  it('are unknown once the source has failed, and stay in the list (H14)', async () => {
    const source = new ScriptedSource('h1/vm7');
    const test = await startHub({ source });
    source.fail(new Error('no more'));
    expect(test.hub.vms.at(-1)).toMatchObject({ name: 'h1/vm7', state: 'unknown', reason: 'its source has failed' });
    expect(test.log).toContain('the source of VMs does not tell which VMs there are any more: no more');
  });
});

class SourceWithPast extends ScriptedSource {
  past$: Observable<PastEvent> = EMPTY;

  history(vm: string, range: SourceRange): Observable<PastEvent> {
    this.asked.push([vm, range]);
    return this.past$;
  }
}

describe('the past of a VM of another host (H7, H14)', () => {
  async function start(): Promise<{ test: HubUnderTest; source: SourceWithPast; past: string }> {
    const source = new SourceWithPast('h1/vm7');
    const test = await startHub({ source });
    return { test, source, past: `${test.hub.url}/vms/h1%2Fvm7/events` };
  }

  it('is what the source tells, with positions of its own to go on from (H7, H14)', async () => {
    const { test, source } = await start();
    source.past$ = of({ n: 40, event: event('STOP') }, { n: 47, event: event('RESUME'), missed: 2 });
    const hub = closeLater(new HubClient(test.hub.url, { token: VIEWER }));
    const positions: string[] = [];
    await hub.history('h1/vm7', { limit: 2 }).forEach(({ position }) => positions.push(position));
    expect(positions).toEqual(['source.40', 'source.47']);
    const [first = ''] = positions;
    await hub.history('h1/vm7', { before: first }).forEach(() => undefined);
    source.tell({ vm: 'h1/vm7', event: event('POWERDOWN') });
    const watcher = closeLater(await RawClient.open(`${test.hub.url}/events?last=1`, { token: VIEWER }));
    const { hub: { epoch } = { epoch: '' } } = (await watcher.next()) as { hub?: { epoch: string } };
    const { n } = await watcher.next();
    await hub.history('h1/vm7', { before: `${epoch}.${String(n)}` }).forEach(() => undefined);
    expect(source.asked).toEqual([
      ['h1/vm7', { limit: 2 }],
      ['h1/vm7', { limit: 1_000, before: 40 }],
      ['h1/vm7', { limit: 1_000, before: expect.objectContaining({ event: 'POWERDOWN' }) as never }],
    ]);
  });

  it('shows in k what is missing, and never more than was asked for (H14)', async () => {
    const { source, past } = await start();
    source.past$ = of(...[1, 2, 5].map((n) => ({ n, event: event('STOP'), missed: n - 1 })));
    const lines = (await get(`${past}?limit=2`, authorized())).body.trim().split('\n').slice(1);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { vm: 'h1/vm7', n: 2, k: 2 },
      { vm: 'h1/vm7', n: 5, k: 7 },
    ]);
    const none = (await get(`${past}?limit=0`, authorized())).body.trim().split('\n');
    expect(none).toHaveLength(1);
  });

  it('that cannot be read is answered with 502, which says why (H14)', async () => {
    const { source, past } = await start();
    source.past$ = throwError(() => new Error('there is no log'));
    expect(await get(past, authorized())).toMatchObject({
      status: 502,
      body: 'h1/vm7: its history cannot be read: there is no log\n',
    });
  });

  it('is what the hub has heard, where the source tells none (H14)', async () => {
    const source = new ScriptedSource('h1/vm7');
    const { hub } = await startHub({ source });
    source.tell({ vm: 'h1/vm7', event: event('STOP') });
    const hubClient = closeLater(new HubClient(hub.url, { token: VIEWER }));
    const names: string[] = [];
    await hubClient.history('h1/vm7').forEach((one) => names.push(one.event.event));
    expect(names).toEqual(['STOP']);
  });

  it('is not read any longer for who has gone (H14)', async () => {
    const { test, source } = await start();
    let [reading, left] = [0, 0];
    source.past$ = new Observable(() => {
      reading += 1;
      return () => {
        left += 1;
      };
    });
    const client = closeLater(new HubClient(test.hub.url, { token: VIEWER }));
    const subscription = client.history('h1/vm7').subscribe();
    await until(() => reading === 1);
    subscription.unsubscribe();
    await until(() => left === 1);
  });
});
