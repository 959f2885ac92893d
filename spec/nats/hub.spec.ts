import { filter, firstValueFrom, toArray } from 'rxjs';
import { WebSocket } from 'ws';
import { FakeQemu } from 'rx-qmp/testing';
import type { VmInfo } from 'rx-qmp';
import { HubClient } from 'rx-qmp/node';
import { Cli, rxQmp } from '../support/cli.js';
import { describeNats, freePort } from '../support/nats.js';
import { describeQemu, startQemu } from '../support/qemu.js';
import { get } from '../hub/raw-client.js';
import { FleetUnderTest, stored } from './fleet-under-test.js';

/** The VMs of the hub, once they are as wanted. */
function vmsOnce(hub: HubClient, wanted: (vms: readonly VmInfo[]) => boolean): Promise<readonly VmInfo[]> {
  return firstValueFrom(hub.vms$.pipe(filter(wanted)));
}

const isReady = (vm: VmInfo | undefined): boolean => vm?.state === 'ready' && vm.status !== undefined;

describeNats('a hub before a fleet', () => {
  let fleet: FleetUnderTest;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
  });

  afterEach(() => fleet.end());

  async function start(...args: string[]): Promise<HubClient> {
    const { url, token } = await startAt(...args);
    const hub = new HubClient(url, { token });
    fleet.later(() => hub.close());
    return hub;
  }

  async function startAt(...args: string[]): Promise<{ url: string; token: string }> {
    const nats = `nats://127.0.0.1:${fleet.server.port}`;
    const cli = new Cli(['hub', '--nats', nats, '--listen', '127.0.0.1:0', ...args]);
    fleet.later(async () => {
      cli.process.kill('SIGTERM');
      expect(await cli.ended()).toMatchObject({ code: 0 });
    });
    await cli.until('stdout', /for this run: \S+\n/);
    const [, url = '', token = ''] = /listening at (\S+)\n.*: (\S+)\n/s.exec(cli.stdout) ?? [];
    return { url, token };
  }

  describeQemu('of real QEMUs', () => {
    it('has their VMs, their events, their past, and runs commands on them (H14)', async () => {
      const qemu = await startQemu();
      fleet.later(() => qemu.stop());
      const agent = await fleet.agent('h1', { vms: { vm1: qemu.address }, allow: ['stop', 'cont'] });
      const before = (await fleet.client()).client('h1/vm1');
      await before.connect();
      await before.execute('stop');
      await before.close();

      const hub = await start('--allow', 'cont');
      const [vm] = await vmsOnce(hub, ([first]) => isReady(first) && first?.status === 'paused');
      expect(vm).toMatchObject({ name: 'h1/vm1', state: 'ready', qemu: expect.stringMatching(/^\d+\.\d+/) as string });
      // The agent stores what it publishes, a moment later.
      let past: string[] = [];
      while (!past.includes('STOP')) {
        const events = await firstValueFrom(hub.history('h1/vm1').pipe(toArray()));
        past = events.map(({ event }) => event.event);
      }
      const resumed = firstValueFrom(hub.events$.pipe(filter(({ event }) => event.event === 'RESUME')));
      await vmsOnce(hub, () => true);
      const client = hub.client('h1/vm1');
      await client.connect();
      await client.execute('cont');
      expect(await resumed).toMatchObject({ vm: 'h1/vm1', event: { event: 'RESUME' } });
      await expect(client.execute('stop')).rejects.toThrow('not allowed on this hub');
      await vmsOnce(hub, ([first]) => first?.status === 'running' && first.lastEvent?.event === 'RESUME');

      await agent.close();
      const [unknown] = await vmsOnce(hub, ([first]) => first?.state === 'unknown');
      expect(unknown).toMatchObject({ name: 'h1/vm1', reason: 'agent stopped' });
    });
  });

  it('--hosts has those of the hosts that it names only, beside VMs of its own (H14)', async () => {
    for (const host of ['h1', 'h2', 'h3']) {
      await fleet.agent(host, { vms: { vm1: new FakeQemu().connector } });
    }
    const hub = await start('--hosts', 'h1,h3', 'own=unix:/nowhere.qmp');
    const vms = await vmsOnce(hub, (all) => all.length === 3 && all.slice(1).every(isReady));
    expect(vms.map(({ name }) => name)).toEqual(['own', 'h1/vm1', 'h3/vm1']);
  });

  it('passes on the text that QEMU wrote, with integers beyond 2^53, live and from the log (H7, H14)', async () => {
    const text = (actual: string): string =>
      `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "BALLOON_CHANGE", "data": {"actual": ${actual}}}`;
    const qemu = new FakeQemu();
    const agent = await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    const nats = await fleet.connect();
    const reader = await fleet.client(nats);
    await firstValueFrom(reader.vms$.pipe(filter(([vm]) => vm?.state === 'ready')));
    const [most, least] = [text('9223372036854775807'), text('-9223372036854775808')];
    const heard = firstValueFrom(reader.events$());
    await nats.flush(); // what was subscribed to before is there by now
    qemu.send(`${most}\r\n`);
    expect((await heard).text).toBe(most);
    await stored(agent, 2); // with the marker of the session's begin

    const { url, token } = await startAt();
    const authorized = { Authorization: `Bearer ${token}` };
    const socket = new WebSocket(`${url.replace('http', 'ws')}/events`, { headers: authorized });
    fleet.later(async () => {
      socket.terminate();
      await Promise.resolve();
    });
    let lines = '';
    const said = (what: string): Promise<void> =>
      new Promise((resolve) => {
        socket.on('message', (data: Buffer) => {
          lines += data.toString();
          if (lines.includes(what)) resolve();
        });
      });
    await said('"h1/vm1"');
    const told = said('BALLOON_CHANGE');
    qemu.send(`${least}\r\n`);
    await told;
    expect(lines).toContain(`,"k":1,"event":${least}}\n`);
    await stored(agent, 3);
    const past = await get(`${url}/vms/h1%2Fvm1/events`, authorized);
    expect(past.body).toContain(`,"k":1,"event":${most}}\n`);
    expect(past.body).toContain(`,"k":2,"event":${least}}\n`);
    const env = { RX_QMP_NATS: `nats://127.0.0.1:${fleet.server.port}` };
    const { stdout } = await new Cli(['history', 'nats:h1/vm1'], env).ended();
    expect(stdout.match(/-?\d{19}/g)).toEqual(['9223372036854775807', '-9223372036854775808']);
  });

  it('pages through the log of a VM, which events that came live lead into (H7, H14)', async () => {
    const qemu = new FakeQemu({ clock: Date });
    await fleet.agent('h1', { vms: { vm1: qemu.connector } });
    const reader = await fleet.client();
    await firstValueFrom(reader.vms$.pipe(filter(([vm]) => vm?.state === 'ready')));
    for (let offset = 1; offset <= 10; offset += 1) qemu.emit('RTC_CHANGE', { offset, 'qom-path': '/rtc' });
    const hub = await start();
    await vmsOnce(hub, ([vm]) => isReady(vm));
    const offsets = async (options: object): Promise<{ offsets: unknown[]; position: string | undefined }> => {
      const events = await firstValueFrom(hub.history('h1/vm1', options).pipe(toArray()));
      const found = events.map(({ event: { data } }) => (data as { offset: number }).offset);
      return { offsets: found, position: events[0]?.position };
    };
    let page = await offsets({ limit: 4 });
    while (page.offsets.at(-1) !== 10) page = await offsets({ limit: 4 });
    expect(page.offsets).toEqual([7, 8, 9, 10]);
    expect((await offsets({ limit: 3, before: page.position })).offsets).toEqual([4, 5, 6]);

    const live = firstValueFrom(hub.events$);
    await vmsOnce(hub, () => true);
    qemu.emit('RTC_CHANGE', { offset: 11, 'qom-path': '/rtc' });
    expect((await offsets({ limit: 2, before: (await live).position })).offsets).toEqual([9, 10]);
  });
});

describe('rx-qmp hub and dashboard of a fleet', () => {
  it.each([
    [2, ['hub', 'a=unix:/a', '--hosts', 'h1'], /--hosts, --creds and --tls-ca go with --nats/],
    [2, ['hub', '--nats', 'nats://example.org'], /beyond loopback must be tls:/],
    [2, ['hub', '--nats', 'nats://u:secret@127.0.0.1', '--check'], /must hold no user and no password/],
    [2, ['dashboard', '--nats', 'nats://127.0.0.1', '--hub', 'http://127.0.0.1:1'], /name no others/],
  ])('ends with %i, and says what is wrong with %j', async (exitCode, args, message) => {
    const { code, stdout, stderr } = await rxQmp(...args);
    expect({ code, stderr }).toMatchObject({ code: exitCode, stderr: expect.stringMatching(message) as string });
    expect(stdout).not.toContain('secret');
  });

  it('say where NATS was not reached (H14)', async () => {
    const nowhere = `nats://127.0.0.1:${await freePort()}`;
    for (const words of [['hub'], ['dashboard', '--no-open']]) {
      const { code, stderr } = await rxQmp(...words, '--nats', nowhere);
      expect(code).toBe(1);
      expect(stderr).toContain(`NATS at ${nowhere}: `);
    }
  });
});
