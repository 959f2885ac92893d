import { inflateSync } from 'node:zlib';
import {
  eventAfter,
  pause,
  pressKeys,
  reset,
  resume,
  shutdown,
  typeText,
  unplug,
  waitForGuest,
  type QmpClient,
} from 'rx-qmp';
import { connect, screenshot } from 'rx-qmp/node';
import { describeGuest } from './guest-files.js';
import { startGuest, type Guest } from './start-guest.js';

const ROOT_PORTS = [1, 2, 3].flatMap((n) => ['-device', `pcie-root-port,id=port${n},chassis=${n},slot=${n}`]);

describeGuest('the tasks, on a running guest', () => {
  let guest: Guest;
  let client: QmpClient;

  beforeAll(async () => {
    guest = await startGuest({
      memory: '192M,slots=4,maxmem=1G',
      append: 'memhp_default_state=online_kernel',
      args: [
        ...['-vga', 'std'],
        ...['-device', 'i6300esb', '-action', 'watchdog=pause', '-device', 'pvpanic', '-action', 'panic=pause'],
        ...ROOT_PORTS,
      ],
    });
    client = await connect(guest.address);
    await waitForGuest(client, 'qga');
    await guest.ready();
  });
  afterAll(async () => {
    await client.close();
    await guest.kill();
  });
  afterEach(() => {
    expect(client.listeners).toEqual([client.events]);
  });

  it('pause and resume it; that it is so already is no error (T4)', async () => {
    await pause(client);
    await pause(client);
    expect(await client.execute('query-status')).toMatchObject({ running: false });
    await resume(client);
    await resume(client);
    expect(await client.execute('query-status')).toMatchObject({ running: true });
  });

  it('wait for an event that comes before the reply', async () => {
    const stop = await eventAfter(client, 'STOP', () => client.execute('stop'));
    expect(stop.event).toBe('STOP');
    await eventAfter(client, 'RESUME', () => client.execute('cont'));
  });

  it('know at once that the guest is up', async () => {
    await waitForGuest(client, 'qga', { timeout: 5_000 });
    await expect(waitForGuest(client, 'none')).rejects.toThrow(/no chardev 'none'; there are .*qga/);
  });

  it('show the screen as PNG, one picture for all who ask at once', async () => {
    const [one, two] = await Promise.all([screenshot(client), screenshot(client)]);
    expect(two).toBe(one);
    expect(Buffer.from(one.subarray(1, 4)).toString()).toBe('PNG');
    expect(pixelsOf(one).some((byte) => byte > 0)).toBe(true);
  });

  it('type a command into the console, and read what it writes (T6)', async () => {
    await pressKeys(client, 'ret');
    const text = `echo "It's {typed}: <100%> & ~\\$HOME" > /dev/ttyS0\n`;
    await typeText(client, text);
    await guest.serial.until(/It's \{typed\}: <100%> & ~\$HOME/);
    await expect(pressKeys(client, 'ctrl-nothing')).rejects.toMatchObject({ name: 'ExecuteError' });
    await expect(typeText(client, 'aé')).rejects.toThrow(/no key for character 2, U\+00E9/);
  });

  it('unplug a disk and a NIC that were plugged', async () => {
    await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'null0', size: 1_048_576 });
    await client.execute('device_add', { driver: 'virtio-blk-pci', id: 'disk0', drive: 'null0', bus: 'port1' });
    await client.execute('netdev_add', { type: 'hubport', id: 'net0', hubid: 0 });
    await client.execute('device_add', {
      driver: 'virtio-net-pci',
      id: 'nic0',
      netdev: 'net0',
      bus: 'port2',
      romfile: '',
    });
    await guest.serial.run('while [ ! -e /sys/block/vda ] || [ ! -e /sys/class/net/eth0 ]; do sleep 0.2; done');
    await Promise.all([unplug(client, 'disk0'), unplug(client, 'nic0'), unplug(client, 'nic0')]);
    expect(await client.execute('qom-list', { path: '/machine/peripheral' })).not.toContainEqual(
      expect.objectContaining({ name: 'nic0' }),
    );
    await client.execute('blockdev-del', { 'node-name': 'null0' });
  });

  it('fail where the guest refuses, and where there is no such device', async () => {
    await client.execute('object-add', { 'qom-type': 'memory-backend-ram', id: 'mem1', size: 134_217_728 });
    // The guest says that it has brought the DIMM online.
    const { data } = await eventAfter(
      client,
      'ACPI_DEVICE_OST',
      () => client.execute('device_add', { driver: 'pc-dimm', id: 'dimm1', memdev: 'mem1' }),
      { filter: ({ data }) => data.info.device === 'dimm1', timeout: 30_000 },
    );
    expect(data.info).toMatchObject({ source: 1, status: 0 });
    // All memory of the zone that the kernel takes first is in the DIMM: what these files need there cannot be moved.
    await guest.serial.run('i=0; while [ $i -lt 3000 ]; do : > /tmp/f$i; i=$((i + 1)); done');
    await expect(unplug(client, 'dimm1')).rejects.toMatchObject({ name: 'UnplugError', device: 'dimm1' });
    await expect(unplug(client, 'nothing')).rejects.toMatchObject({
      name: 'ExecuteError',
      errorClass: 'DeviceNotFound',
    });
  });

  it('tell of a watchdog that nobody feeds', async () => {
    const bite = await eventAfter(client, 'WATCHDOG', () => guest.serial.run('watchdog -T 2 -t 60 /dev/watchdog'));
    expect(bite.data.action).toBe('pause');
    await resume(client);
  });

  it('reset it, and wait until it is up again', async () => {
    await reset(client);
    await waitForGuest(client, 'qga');
    await guest.ready();
  });

  it('tell of a panic, and shut it down all the same', async () => {
    const panic = await eventAfter(client, 'GUEST_PANICKED', () => {
      guest.serial.type('echo c > /proc/sysrq-trigger');
    });
    expect(panic.data.action).toBe('pause');
    await reset(client);
    await resume(client);
    await waitForGuest(client, 'qga');
  });

  it('shut it down by its power button, from paused (T5)', async () => {
    await guest.ready();
    await pause(client);
    expect(await shutdown(client)).toBe('guest');
    expect(guest.serial.text).toContain('POWER-BUTTON');
  });
});

describeGuest('the tasks, on a guest without acpid', () => {
  let guest: Guest;
  let client: QmpClient;

  beforeAll(async () => {
    guest = await startGuest({ append: 'noacpid noqga', args: ['-smp', '1,maxcpus=2', '-cpu', 'qemu64'] });
    client = await connect(guest.address);
    await guest.ready();
  });
  afterAll(async () => {
    await client.close();
    await guest.kill();
  });

  it('wait for an agent that never comes, but not for ever', async () => {
    await expect(waitForGuest(client, 'qga', { timeout: 300 })).rejects.toMatchObject({ name: 'EventTimeoutError' });
  });

  it('unplug a CPU, of which no event names the device', async () => {
    const cpu = (await client.execute('query-hotpluggable-cpus')).find((one) => one['qom-path'] === undefined);
    await eventAfter(client, 'ACPI_DEVICE_OST', () =>
      client.execute('device_add', { driver: cpu?.type ?? '', id: 'cpu1', ...cpu?.props }),
    );
    await guest.serial.run('echo 1 > /sys/devices/system/cpu/cpu1/online');
    await unplug(client, 'cpu1');
  });

  it('fail, or quit, where the guest does not feel its power button (T5)', async () => {
    await expect(shutdown(client, { grace: 300, then: 'fail' })).rejects.toMatchObject({ name: 'ShutdownError' });
    expect(await client.execute('query-status')).toMatchObject({ running: true });
    expect(await shutdown(client, { grace: 300 })).toBe('quit');
  });
});

/** What the image holds, unpacked; its lines are filtered, but black stays 0. */
function pixelsOf(png: Uint8Array): Uint8Array {
  const data: Uint8Array[] = [];
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  for (let at = 8; at < png.length; at += 12 + view.getUint32(at)) {
    const name = Buffer.from(png.subarray(at + 4, at + 8)).toString();
    if (name === 'IDAT') data.push(png.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  return inflateSync(Buffer.concat(data));
}
