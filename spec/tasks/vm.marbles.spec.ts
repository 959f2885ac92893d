import { firstValueFrom, map, timer } from 'rxjs';
import {
  eventAfter,
  EventTimeoutError,
  pause,
  reset,
  resume,
  shutdown,
  ShutdownError,
  unplug,
  UnplugError,
  waitForGuest,
} from 'rx-qmp';
import { event, FakeQemu } from 'rx-qmp/testing';
import { connected, DONE, inVirtualTime, marbles, sent$ } from './virtual-time.js';

inVirtualTime();

describe('eventAfter in virtual time', () => {
  it('resolves when both the event is here and the action is done, whichever comes last', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    const act = (): Promise<unknown> => firstValueFrom(timer(50));
    await marbles(({ at, expectObservable }) => {
      expectObservable(eventAfter(client, 'STOP', act)).toBe('   50ms (s|)', { s: event('STOP') });
      expectObservable(eventAfter(client, 'RESUME', act)).toBe(' 80ms (r|)', { r: event('RESUME') });
      const inVain = eventAfter(client, 'SUSPEND', act, { timeout: 200 });
      expectObservable(inVain).toBe('                            200ms #', null, EventTimeoutError);
      at(30, () => fake.emit('STOP'));
      at(80, () => fake.emit('RESUME'));
    });
  });
});

describe('shutdown in virtual time', () => {
  const COMMANDS = { p: 'system_powerdown', q: 'quit', c: 'cont' };
  const acts = Object.values(COMMANDS);

  it('presses the button each 10 s until the guest shuts down, and no more (T5)', async () => {
    const fake = new FakeQemu({ status: 'paused' });
    const client = await connected(fake);
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client, ...acts)).toBe('(cp) 9996ms p 9999ms p 60s -', COMMANDS);
      expectObservable(shutdown(client)).toBe('      21s (g|)', { g: 'guest' });
      at(21_000, () => fake.emit('SHUTDOWN', { guest: true, reason: 'guest-shutdown' }));
    });
  });

  it('has QEMU quit when the grace is over, or fails then (T5)', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake);
    await marbles(({ expectObservable }) => {
      expectObservable(sent$(client, ...acts)).toBe('p 9999ms p 9999ms p 4999ms q 60s -', COMMANDS);
      expectObservable(shutdown(client, { grace: 25_000 })).toBe('25s (q|)', { q: 'quit' });
    });
    const other = await connected(new FakeQemu());
    await marbles(({ expectObservable }) => {
      expectObservable(sent$(other, ...acts)).toBe('p 9999ms p 60s -', COMMANDS);
      expectObservable(shutdown(other, { grace: 15_000, then: 'fail' })).toBe('15s #', null, ShutdownError);
    });
  });
});

describe('reset in virtual time', () => {
  it('waits for the RESET that it caused, not for one of the guest, and no longer than 30 s (T4)', async () => {
    const fake = new FakeQemu().on('system_reset', {});
    const client = await connected(fake);
    await marbles(({ at, expectObservable }) => {
      expectObservable(reset(client)).toBe('100ms (d|)', DONE);
      at(50, () => fake.emit('RESET', { guest: true, reason: 'guest-reset' }));
      at(100, () => fake.emit('RESET', { guest: false, reason: 'host-qmp-system-reset' }));
    });
    await marbles(({ expectObservable }) => {
      expectObservable(reset(client)).toBe('30s #', null, EventTimeoutError);
    });
  });
});

describe('pause and resume in virtual time', () => {
  // QEMU flushes the disks before it answers.
  it.each([
    { task: pause, command: 'stop', before: 'running', after: 'STOP' },
    { task: resume, command: 'cont', before: 'paused', after: 'RESUME' },
  ] as const)(
    '$command, then ask, and resolve when both is answered (T4)',
    async ({ task, command, before, after }) => {
      const fake = new FakeQemu({ status: before });
      fake.on(command, timer(40).pipe(map(() => void fake.emit(after))));
      const client = await connected(fake);
      const running = after === 'RESUME';
      fake.on('query-status', () => timer(20).pipe(map(() => ({ running, status: fake.status, singlestep: false }))));
      await marbles(({ expectObservable }) => {
        expectObservable(sent$(client)).toBe('c 39ms q 1s -', { c: command, q: 'query-status' });
        expectObservable(task(client)).toBe('60ms (d|)', DONE);
      });
    },
  );
});

describe('unplug in virtual time', () => {
  it('waits until the guest lets go; a second one joins, though QEMU refuses it (T7)', async () => {
    const fake = new FakeQemu();
    fake.devices.add('nic0', 'is silent');
    const client = await connected(fake);
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client)).toBe('(uu) 2996ms (ll) 1996ms (ll) 10s -', {
        u: 'device_del',
        l: 'qom-list',
      });
      expectObservable(unplug(client, 'nic0')).toBe('5s (d|)', DONE);
      expectObservable(unplug(client, 'nic0')).toBe('5s (d|)', DONE);
      // A child is gone, which may be the last that is heard of a CPU: a reason to ask.
      at(3_000, () => fake.emit('DEVICE_DELETED', { path: '/machine/peripheral/nic0/virtio-backend' }));
      at(5_000, () => {
        fake.devices.remove('nic0');
      });
    });
  });

  it('fails as soon as the guest refuses, and after the time-out, whatever comes meanwhile', async () => {
    const fake = new FakeQemu();
    fake.devices.add('dimm0', 'is silent');
    fake.devices.add('dimm1', 'is silent');
    const client = await connected(fake);
    const tell = (device: string, status: number): void => {
      fake.emit('ACPI_DEVICE_OST', { info: { device, slot: '0', 'slot-type': 'DIMM', source: 3, status } });
    };
    await marbles(({ at, expectObservable }) => {
      expectObservable(unplug(client, 'dimm0')).toBe('20s #', null, UnplugError);
      expectObservable(unplug(client, 'dimm1')).toBe('1m #', null, EventTimeoutError);
      // It says that it is trying.
      for (const ms of [10_000, 50_000]) {
        at(ms, () => {
          tell('dimm1', 132);
        });
      }
      at(20_000, () => {
        tell('dimm0', 129);
      });
    });
  });
});

describe('waitForGuest in virtual time', () => {
  it('asks each second, since an event may not come, and at each that does (T3)', async () => {
    let isOpen = false;
    const fake = new FakeQemu().on('query-chardev', () => [{ label: 'qga', filename: 'x', 'frontend-open': isOpen }]);
    const client = await connected(fake);
    const COMMANDS = { q: 'query-chardev' };
    await marbles(({ at, expectObservable }) => {
      expectObservable(sent$(client)).toBe('q 999ms q 999ms q 499ms q 1m -', COMMANDS);
      expectObservable(waitForGuest(client, 'qga')).toBe('2500ms (d|)', DONE);
      at(2_500, () => {
        isOpen = true;
        fake.emit('VSERPORT_CHANGE', { id: 'port0', open: true });
      });
    });
    isOpen = false;
    await marbles(({ expectObservable }) => {
      expectObservable(sent$(client)).toBe('q 999ms q 499ms q 1m -', COMMANDS);
      expectObservable(waitForGuest(client, 'qga', { timeout: 1_500 })).toBe('1500ms #', null, EventTimeoutError);
    });
  });
});
