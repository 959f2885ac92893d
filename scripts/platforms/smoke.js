// What a program does with the packed package, in one file that every runtime runs: it prints `works` at its end.
import { firstValueFrom, Subject } from 'rxjs';
import { EventBus, EventListener, ofEvent, QmpClient } from 'rx-qmp';
import { connect, createHub, HubClient, serve, webSocket } from 'rx-qmp/node';
import { event, FakeQemu, qmpMarbles } from 'rx-qmp/testing';

function expect(what, actual, expected) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}

const messages = new Subject();
const bus = new EventBus(messages);
const own = new EventListener('STOP');
bus.registerListener(own);
messages.next(event('STOP'));
expect('a bus', (await own.get()).event, 'STOP');

const fake = new FakeQemu();
const served = await serve(fake.connector, 0);
const client = await connect(served.address);
const stops = client.listener('STOP');
const observed = firstValueFrom(client.observe(['RESUME']));
await client.execute('stop');
await client.execute('cont');
expect('a listener', (await stops.get()).event, 'STOP');
expect('observe', (await observed).event, 'RESUME');
expect('a reply', (await client.execute('query-status')).status, 'running');
await client.close();
expect('the end', client.state.phase, 'closed');

const hub = await createHub({ vms: { vm1: new FakeQemu().connector }, port: 0 });
const hubClient = new HubClient(hub.url, { token: hub.token });
const vm = hubClient.client('vm1');
await vm.connect();
expect('a hub', (await vm.execute('query-status')).status, 'running');
await vm.close();
await hubClient.close();
// The WebSocket of Node 22 tells an error and no close where the handshake failed: that must not wait for connectTimeout.
const since = performance.now();
const refused = new QmpClient(webSocket(`${hub.url}/vms/vm1`, { token: 'wrong-0123456789' }));
const refusal = await refused.connect().catch((error) => error);
expect('a refused WebSocket', [refusal.name, refusal.cause?.name], ['ConnectError', 'WebSocketError']);
if (performance.now() - since > 5_000) throw new Error('a refused WebSocket took as long as connectTimeout');
await refused.close();
await hub.close();
await served.close();

qmpMarbles(
  ({ bus: marbles, hot, expectObservable }) => {
    expectObservable(marbles(hot('-s-r-')).events$.pipe(ofEvent('STOP'))).toBe('-s---');
  },
  { s: 'STOP', r: 'RESUME' },
);

const failing = await new QmpClient(new FakeQemu().on('query-name', new Error('no')).connector);
await failing.connect();
const { name } = await failing.execute('query-name').catch((error) => error);
expect('an error', name, 'ExecuteError');
await failing.close();

console.log('works');
