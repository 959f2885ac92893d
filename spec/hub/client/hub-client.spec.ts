import { filter, firstValueFrom, map, take, toArray, type Observable } from 'rxjs';
import { HubClient, type HubClientOptions, type HubState, type VmInfo } from 'rx-qmp';
import { createHub } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { WebSocket } from 'ws';
import { closeAll, closeLater, startHub, until, type HubUnderTest } from '../hub-under-test.js';
import { OPERATOR, VIEWER } from '../raw-client.js';

afterEach(closeAll);

const soon = { delay: () => 5 };

function hubClient({ hub }: Pick<HubUnderTest, 'hub'>, options: HubClientOptions = {}): HubClient {
  return closeLater(new HubClient(hub.url, { token: VIEWER, WebSocket, reconnect: soon, ...options }));
}

/** Resolves with the list of VMs once it looks like this: `vm1 ready,vm2 gone`. */
function looks(vms$: Observable<readonly VmInfo[]>, list: string): Promise<readonly VmInfo[]> {
  return firstValueFrom(vms$.pipe(filter((vms) => vms.map(({ name, state }) => `${name} ${state}`).join() === list)));
}

function inPhase(client: HubClient, phase: HubState['phase']): Promise<HubState> {
  return firstValueFrom(client.state$.pipe(filter((state) => state.phase === phase)));
}

describe('HubClient', () => {
  it('shows the VMs as they come, change and go', async () => {
    const test = await startHub();
    const client = hubClient(test);
    const lists: string[] = [];
    client.vms$.subscribe((vms) => lists.push(vms.map(({ name, state }) => `${name} ${state}`).join()));
    await looks(client.vms$, 'vm1 ready');
    const second = new FakeQemu();
    test.hub.add('vm2', second.connector);
    await looks(client.vms$, 'vm1 ready,vm2 ready');
    second.kill();
    const gone = await looks(client.vms$, 'vm1 ready,vm2 gone');
    expect(gone[1]?.reason).toContain('ECONNRESET');
    await test.hub.remove('vm2');
    await looks(client.vms$, 'vm1 ready');
    // What happens in one turn is told at once, so one may not see it connecting.
    expect(lists.filter((list, index) => list !== lists[index - 1] && !list.includes('connecting'))).toEqual([
      'vm1 ready',
      'vm1 ready,vm2 ready',
      'vm1 ready,vm2 gone',
      'vm1 ready',
    ]);
  });

  it('gives the events of all VMs, over one connection for all who watch', async () => {
    const test = await startHub();
    const second = new FakeQemu();
    test.hub.add('vm2', second.connector);
    const client = hubClient(test);
    const names = client.events$.pipe(
      map(({ vm, event }) => `${vm} ${event.event}`),
      take(2),
      toArray(),
    );
    const [one, other] = [firstValueFrom(names), firstValueFrom(names)];
    await looks(client.vms$, 'vm1 ready,vm2 ready');
    test.fake.emit('STOP');
    second.emit('WAKEUP');
    expect(await one).toEqual(['vm1 STOP', 'vm2 WAKEUP']);
    expect(await other).toEqual(['vm1 STOP', 'vm2 WAKEUP']);
    expect(test.log.filter((line) => line.endsWith('GET /events: viewer-2'))).toHaveLength(1);
  });

  it('is connected only while somebody watches', async () => {
    const test = await startHub();
    const client = hubClient(test);
    const watching = client.events$.subscribe();
    await test.logged(/GET \/events: viewer-2/);
    expect(await inPhase(client, 'open')).toEqual({
      phase: 'open',
      rights: { role: 'viewer', name: 'viewer-2', allow: [], screen: false },
    });
    watching.unsubscribe();
    await test.logged(/GET \/events: closed/);
    const states: string[] = [];
    client.state$.pipe(take(3)).subscribe(({ phase }) => states.push(phase));
    await until(() => states.length === 3);
    expect(states).toEqual(['idle', 'connecting', 'open']);
  });

  it('tells what the token allows', async () => {
    const test = await startHub({ allow: ['stop', 'cont'] });
    const client = hubClient(test, { token: OPERATOR });
    expect(await inPhase(client, 'open')).toMatchObject({ rights: { role: 'operator', allow: ['stop', 'cont'] } });
  });

  it('connects anew when the hub comes back, and the streams go on', async () => {
    const test = await startHub();
    const client = hubClient(test);
    const events: string[] = [];
    client.events$.subscribe(({ event }) => events.push(event.event));
    await inPhase(client, 'open');
    const away = inPhase(client, 'reconnecting');
    await test.hub.close();
    expect(await away).toMatchObject({ cause: { name: 'WebSocketError' } });
    const fake = new FakeQemu();
    closeLater(
      await createHub({
        port: test.hub.port,
        vms: { other: fake.connector },
        tokens: [{ role: 'viewer', token: VIEWER }],
      }),
    );
    await looks(client.vms$, 'other ready');
    fake.emit('STOP');
    await until(() => events.length > 0);
    expect(events).toEqual(['STOP']);
  });

  it('keeps trying with a wrong token, and says why', async () => {
    const test = await startHub();
    const client = hubClient(test, { token: 'wrong' });
    const { cause } = (await inPhase(client, 'reconnecting')) as HubState & { cause: Error };
    expect(cause.message).toContain('Unexpected server response: 401');
    expect(cause.message).not.toContain('wrong');
  });

  it('ends, and never errors, when the policy gives up', async () => {
    const test = await startHub();
    const client = hubClient(test, { token: 'wrong', reconnect: { delay: (attempt) => (attempt > 2 ? null : 1) } });
    const list = firstValueFrom(client.vms$.pipe(toArray()));
    expect(await list).toEqual([]);
    expect(await firstValueFrom(client.state$)).toMatchObject({ phase: 'closed', cause: { name: 'ConnectError' } });
  });

  it('completes its streams at close(), and closes its clients', async () => {
    const test = await startHub();
    const client = hubClient(test);
    const vm = client.client('vm1');
    await vm.connect();
    const ends = [client.vms$, client.events$, client.state$].map((stream) =>
      firstValueFrom((stream as Observable<unknown>).pipe(toArray())),
    );
    await inPhase(client, 'open');
    await client.close();
    await client.close();
    await Promise.all(ends);
    expect(vm.state.phase).toBe('closed');
    expect(await firstValueFrom(client.vms$.pipe(toArray()))).toEqual([]);
    expect(() => client.client('vm1')).toThrow('closed for good');
  });

  describe('client', () => {
    it('is a QmpClient for one VM, with reconnect, yours to connect and close', async () => {
      const test = await startHub({ allow: ['stop'] });
      const vm = hubClient(test, { token: OPERATOR }).client('vm1');
      await vm.connect();
      expect(vm.name).toBe('vm1');
      const gap = firstValueFrom(vm.gaps$);
      const stops = vm.listener('STOP');
      await vm.execute('stop');
      expect(await stops.get()).toMatchObject({ event: 'STOP' });
      test.fake.restart();
      expect(await gap).toMatchObject({ session: 2 });
      await vm.close();
    });

    it('waits for a VM that is not there yet', async () => {
      const test = await startHub();
      const vm = hubClient(test).client('later');
      const connected = vm.connect();
      await test.logged(/GET \/vms\/later: 404/);
      test.hub.add('later', new FakeQemu().connector);
      await connected;
      expect(await vm.execute('query-status')).toMatchObject({ running: true });
    });
  });

  it.each(['ftp://h', 'h', 'http://h/?token=x', ''])('throws a TypeError for the address %j', (url) => {
    expect(() => new HubClient(url, { WebSocket })).toThrow(TypeError);
  });
});
