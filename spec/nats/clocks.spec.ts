import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filter, firstValueFrom, toArray } from 'rxjs';
import { FakeQemu } from 'rx-qmp/testing';
import { serve } from 'rx-qmp/node';
import { Cli } from '../support/cli.js';
import { describeNats } from '../support/nats.js';
import { FleetUnderTest, vmOnce } from './fleet-under-test.js';

const HOUR = 3_600_000;

describeNats('clocks an hour apart', () => {
  let fleet: FleetUnderTest;

  beforeEach(async () => {
    fleet = await new FleetUnderTest().start();
  });

  afterEach(() => fleet.end());

  it.each([
    ['behind', -HOUR],
    ['ahead', HOUR],
  ])(
    'disturb nothing: an agent whose clock is %s has its claim, commands, events and their past (F2, F6, F7, F9)',
    async (_how, by) => {
      const { folder } = fleet.server;
      const preload = join(folder, 'clock.cjs');
      writeFileSync(
        preload,
        `const { now } = Date; Date = class extends Date { constructor(...args) { super(...(args.length ? args : [now() + ${by}])); } static now() { return now() + ${by}; } };`,
      );
      const qemu = new FakeQemu();
      const path = join(folder, 'vm1.qmp');
      const served = await serve(qemu.connector, `unix:${path}`);
      fleet.later(() => served.close());
      const start = async (): Promise<Cli> => {
        const env = { RX_QMP_NATS: `nats://127.0.0.1:${fleet.server.port}`, NODE_OPTIONS: `--require ${preload}` };
        const agent = new Cli(['agent', '--host', 'h1', `vm1=unix:${path}`, '--allow', 'stop'], env);
        await agent.until('stdout', /agent of h1/);
        return agent;
      };
      const stop = async (agent: Cli): Promise<void> => {
        agent.process.kill('SIGINT');
        await agent.ended();
      };
      const reader = await fleet.client();
      const first = await start();
      await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
      await stop(first);
      // The same host again: its epoch must grow.
      const second = await start();
      fleet.later(() => stop(second));
      await vmOnce(reader.vms$, 'h1/vm1', ({ state }) => state === 'ready');
      const nats = await fleet.connect();
      const { epoch } = (await nats.request('qmp1.cmd.h1.vm1.s.hello', '')).json<{ epoch: number }>();
      expect(Math.abs(epoch - Date.now())).toBeLessThan(60_000); // the server's clock
      const client = reader.client('h1/vm1');
      await client.connect();
      const live = firstValueFrom(reader.events$().pipe(filter(({ event }) => event.event === 'STOP')));
      await client.execute('stop');
      await live;
      const minute = { since: new Date(Date.now() - 60_000), names: ['STOP'] };
      for (;;) {
        const past = await firstValueFrom(reader.history(minute).pipe(toArray()));
        if (past.length === 1) break;
      }
      expect(
        await firstValueFrom(reader.history({ ...minute, since: new Date(Date.now() + 60_000) }).pipe(toArray())),
      ).toEqual([]);
      expect(client.stats.reconnects).toBe(0);
    },
  );
});
