import { EMPTY } from 'rxjs';
import { event, FakeQemu } from 'rx-qmp/testing';
import { DistantVm } from '../../src/gateway/distant-vm.js';
import type { SourceVm } from '../../src/gateway/vm-source.js';
import { Vm } from '../../src/gateway/vm.js';

const told: SourceVm = { name: 'h1/vm1', state: 'ready', since: '2026-01-01T00:00:00.000Z', status: 'running' };

let fake: FakeQemu;
let dials: number;
let vm: DistantVm;

beforeEach(() => {
  jest.useFakeTimers();
  fake = new FakeQemu();
  dials = 0;
  const connector = fake.connector;
  vm = new DistantVm(told, { vms$: EMPTY, events$: EMPTY, connector: () => connector }, () => {
    dials += 1;
    return new Vm('h1/vm1', connector, undefined);
  });
});

afterEach(async () => {
  await vm.close();
  jest.useRealTimers();
});

async function reach(): Promise<Vm> {
  const reached = vm.reach();
  await jest.advanceTimersByTimeAsync(0);
  return reached;
}

describe('a VM of another host (H14)', () => {
  it('is dialled by the first who wants to use it, once for all (H14)', async () => {
    expect(vm.info).toEqual({ ...told, events: 0 });
    expect(vm.session).toBeUndefined();
    const both = Promise.all([vm.reach(), vm.reach()]);
    await jest.advanceTimersByTimeAsync(0);
    const [first, second] = await both;
    expect(first).toBe(second);
    expect(first.greeting).toBeDefined();
    await reach();
    expect(dials).toBe(1);
  });

  it('is left 30 s after the last use, and dialled again after that (H14)', async () => {
    const session = await reach();
    const [one, other] = [session.join(), session.join()];
    one.leave();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(vm.session).toBe(session);
    other.leave();
    await jest.advanceTimersByTimeAsync(29_900);
    expect(await reach()).toBe(session);
    await jest.advanceTimersByTimeAsync(29_900);
    expect(session.greeting).toBeDefined();
    await jest.advanceTimersByTimeAsync(200);
    expect(vm.session).toBeUndefined();
    expect(session.greeting).toBeUndefined();
    expect(await reach()).not.toBe(session);
    expect(dials).toBe(2);
  });

  it('says why there is no session, and is left then, too (H14)', async () => {
    fake.kill();
    const refused = expect(vm.reach()).rejects.toMatchObject({ name: 'StateError', message: /^h1\/vm1: there is no/ });
    await jest.advanceTimersByTimeAsync(0);
    await refused;
    await jest.advanceTimersByTimeAsync(30_000);
    expect(vm.session).toBeUndefined();
    fake.restart();
    expect((await reach()).greeting).toBeDefined();
  });

  it('that is not offered any more while it is dialled leaves nobody waiting (H14)', async () => {
    fake.silence();
    const refused = expect(vm.reach()).rejects.toMatchObject({ name: 'StateError' });
    await jest.advanceTimersByTimeAsync(0);
    await vm.close();
    await refused;
  });

  it('counts what its source tells, lost events included, not what its session says (H14)', async () => {
    const heard: [string, number][] = [];
    vm.subscribe({ event: (text, n) => heard.push([text, n]), changed: () => undefined, ended: () => undefined });
    await reach();
    fake.emit('STOP');
    const resume = event('RESUME');
    vm.hear({ event: resume });
    vm.hear({ event: resume, missed: 3 });
    expect(heard).toEqual([
      [JSON.stringify(resume), 1],
      [JSON.stringify(resume), 5],
    ]);
    expect(vm.info).toMatchObject({ events: 5, lastEvent: { event: 'RESUME' } });
  });

  it('passes on the text of an event as it is, on one line (H7, H14)', () => {
    const heard: string[] = [];
    vm.subscribe({ event: (text) => heard.push(text), changed: () => undefined, ended: () => undefined });
    const text = '{"event": "STOP",\r\n"data":{"n":9223372036854775807}}';
    vm.hear({ event: event('STOP'), text });
    expect(heard).toEqual(['{"event": "STOP",  "data":{"n":9223372036854775807}}']);
  });

  it('tells a change, and nothing where the source tells the same again (H14)', () => {
    const statuses: (string | undefined)[] = [];
    vm.subscribe({
      event: () => undefined,
      changed: ({ status }) => statuses.push(status),
      ended: () => undefined,
    });
    vm.tell(told);
    vm.tell({ ...told });
    vm.tell({ ...told, status: 'paused' });
    vm.tell({ ...told, status: 'paused' });
    vm.lose('its source has ended');
    vm.tell({ ...told, status: 'paused' });
    expect(statuses).toEqual(['paused', 'paused', 'paused']);
    expect(vm.info).toMatchObject({ state: 'ready', status: 'paused' });
  });
});
