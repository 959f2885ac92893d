import { NEVER } from 'rxjs';
import { FakeQemu } from 'rx-qmp/testing';
import { Vm } from '../../src/gateway/vm.js';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

async function start(fake: FakeQemu): Promise<{ vm: Vm; changes: string[] }> {
  const vm = new Vm('vm1', fake.connector, undefined);
  const changes: string[] = [];
  vm.subscribe({
    event: () => undefined,
    changed: ({ state }) => changes.push(state),
    ended: () => undefined,
  });
  vm.start();
  await jest.advanceTimersByTimeAsync(1);
  return { vm, changes };
}

const asked = (fake: FakeQemu): number => fake.received.filter(({ execute }) => execute === 'query-status').length;

describe('a VM that hangs (H11)', () => {
  it('is unresponsive after 30 s without an answer, keeps its session, and is ready with the next word (H11)', async () => {
    const fake = new FakeQemu();
    const { vm, changes } = await start(fake);
    fake.on('query-status', NEVER);
    await jest.advanceTimersByTimeAsync(29_000);
    expect(vm.info.state).toBe('ready');
    expect(asked(fake)).toBe(2);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(vm.info.state).toBe('unresponsive');
    expect(changes.at(-1)).toBe('unresponsive');
    expect(vm.greeting).toBeDefined();
    await jest.advanceTimersByTimeAsync(600_000);
    expect(vm.info.state).toBe('unresponsive');
    expect(vm.greeting).toBeDefined();
    fake.emit('STOP');
    expect(vm.info.state).toBe('ready');
    await vm.close();
  });

  it('is asked only if it has been silent and owes no answer (H11)', async () => {
    const fake = new FakeQemu();
    const { vm } = await start(fake);
    const before = asked(fake);
    for (let second = 0; second < 60; second += 1) {
      await jest.advanceTimersByTimeAsync(1_000);
      fake.emit('RTC_CHANGE', { offset: second, 'qom-path': '/rtc' });
    }
    expect(asked(fake)).toBe(before);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked(fake) - before).toBe(3);
    expect(vm.info.state).toBe('ready');
    await vm.close();
  });

  it('has nothing to do with a VM that is gone (H11)', async () => {
    const fake = new FakeQemu();
    const { vm, changes } = await start(fake);
    fake.kill();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(changes).not.toContain('unresponsive');
    expect(vm.info.state).toBe('gone');
    await vm.close();
  });
});
