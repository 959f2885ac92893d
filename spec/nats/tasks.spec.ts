import { join } from 'node:path';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { eventAfter, followJob, pause, resume, runJob, shutdown, unplug, type QmpClient } from 'rx-qmp';
import type { FleetClient } from 'rx-qmp/fleet';
import { describeNats } from '../support/nats.js';
import { describeQemu, spawnQemu, startQemu, type Qemu } from '../support/qemu.js';
import { FleetUnderTest, vmOnce } from './fleet-under-test.js';

const MIB = 1024 * 1024;
const ALLOW = [
  ...['stop', 'cont', 'quit', 'system_powerdown', 'device_del', 'qom-list', 'job-dismiss'],
  ...['blockdev-create', 'blockdev-add', 'blockdev-backup'],
];

describeNats('the tasks, over NATS', () => {
  describeQemu('on real QEMUs of two hosts', () => {
    let fleet: FleetUnderTest;
    let reader: FleetClient;
    let disks: Qemu;
    let machine: Qemu;
    let one: QmpClient;
    let two: QmpClient;

    beforeEach(async () => {
      fleet = await new FleetUnderTest().start();
      disks = await startQemu();
      fleet.later(() => disks.stop());
      // A USB device is unplugged without a guest's consent.
      const usb = ['-device', 'qemu-xhci', '-device', 'usb-kbd,id=kbd'];
      machine = await spawnQemu(['-machine', 'pc,accel=tcg', '-nodefaults', '-display', 'none', ...usb]);
      fleet.later(() => machine.stop());
      await fleet.agent('h1', { vms: { disks: disks.address }, allow: ALLOW, beat: 5_000 });
      await fleet.agent('h2', { vms: { machine: machine.address }, allow: ALLOW, beat: 5_000 });
      reader = await fleet.client();
      await vmOnce(reader.vms$, 'h1/disks', ({ state }) => state === 'ready');
      await vmOnce(reader.vms$, 'h2/machine', ({ state }) => state === 'ready');
      one = reader.client('h1/disks');
      two = reader.client('h2/machine');
      await Promise.all([one.connect(), two.connect()]);
    });

    afterEach(() => fleet.end());

    it('follow the jobs that make a qcow2 and back it up', async () => {
      const file = (name: string): string => join(disks.folder, name);
      for (const name of ['source', 'target']) {
        const options = { driver: 'file', filename: file(name), size: MIB } as const;
        await runJob(one, name, () => one.execute('blockdev-create', { 'job-id': name, options }), { dismiss: true });
        await one.execute('blockdev-add', { driver: 'file', 'node-name': `${name}-file`, filename: file(name) });
        const format = { driver: 'qcow2', file: `${name}-file`, size: 4 * MIB } as const;
        const make = (): Promise<unknown> => one.execute('blockdev-create', { 'job-id': name, options: format });
        const seen = await lastValueFrom(followJob(one, name, make).pipe(toArray()));
        expect([seen[0]?.status, seen.at(-1)?.status]).toEqual(['created', 'concluded']);
        await one.execute('job-dismiss', { id: name });
        await one.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file: `${name}-file` });
      }
      const backup = { 'job-id': 'copy', device: 'source', target: 'target', sync: 'full' } as const;
      const seen = await lastValueFrom(followJob(one, 'copy', () => one.execute('blockdev-backup', backup)));
      expect(seen).toMatchObject({ id: 'copy', type: 'backup', status: 'concluded' });
    });

    it('pause and resume, each heard by whoever watches the fleet', async () => {
      const heard = firstValueFrom(reader.events$({ names: ['STOP', 'RESUME'] }).pipe(take(3), toArray()));
      await one.execute('query-status'); // what was subscribed to before is there by now
      await pause(two);
      expect(await two.execute('query-status')).toMatchObject({ status: 'paused' });
      await resume(two);
      expect(await two.execute('query-status')).toMatchObject({ status: 'running' });
      const { event } = await eventAfter(one, 'STOP', () => one.execute('stop'));
      expect(event).toBe('STOP');
      expect((await heard).map((item) => [item.vm, item.event.event])).toEqual([
        ['h2/machine', 'STOP'],
        ['h2/machine', 'RESUME'],
        ['h1/disks', 'STOP'],
      ]);
    });

    it('unplug a device that needs no guest to let go of it', async () => {
      const ids = async (): Promise<string[]> =>
        (await two.execute('qom-list', { path: '/machine/peripheral' })).map(({ name }) => name);
      expect(await ids()).toContain('kbd');
      await unplug(two, 'kbd', { timeout: 20_000 });
      expect(await ids()).not.toContain('kbd');
      await expect(unplug(two, 'kbd')).rejects.toMatchObject({ name: 'ExecuteError', errorClass: 'DeviceNotFound' });
    });

    it('shut a VM down whose guest does not listen, and the list says so', async () => {
      const gone = vmOnce(reader.vms$, 'h2/machine', ({ state }) => state === 'gone');
      await expect(shutdown(two, { grace: 100 })).resolves.toBe('quit');
      await gone;
      expect(await one.execute('query-status')).toMatchObject({ status: 'running' });
    });
  });
});
