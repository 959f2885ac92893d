import { setTimeout } from 'node:timers/promises';
import { describeNats } from '../support/nats.js';
import { FleetTorture } from './fleet/fleet-torture.js';
import { networkNamespace, type NetworkNamespace } from '../support/network-namespace.js';
import { isLong, PATIENCE, survived } from './scale.js';

/** What no run may show, whatever was done to the servers and the agents; the figures are printed. */
async function judged(torture: FleetTorture, beat: number): Promise<void> {
  await torture.settle();
  const log = await torture.log();
  const live = torture.live();
  const commands = torture.commands();
  survived(
    `${torture.emitted} events; in the log ${log.read}, ${log.doubledOrReordered} doubled or reordered, ${log.lostInSilence} lost; ` +
      `${log.lost - log.lostAlive} while their agent was dead, ${log.lostAlive} while it was alive, in ${log.sessions} gaps`,
  );
  for (const [name, reader] of live) {
    survived(
      `read live, ${name}: ${reader.read}, ${reader.doubledOrReordered} doubled or reordered, ${reader.lostInSilence} lost in silence; ` +
        `${reader.lost} lost and told, ${reader.numbered} gaps with a number, ${reader.wrong} of them wrong; ` +
        `told within ${reader.latest.toFixed(0)} ms of the first`,
    );
  }
  survived(
    `${commands.sent} commands: ${commands.done} done, ${commands.refused} refused, ${commands.interrupted} interrupted, ` +
      `${commands.pending} pending, ${commands.wrong} run twice or told wrongly; ${commands.ranAfterwards} ran after their caller ` +
      `was told that nobody knows, ${commands.longest.toFixed(0)} ms after they were sent, at most`,
  );
  const nothing = { doubledOrReordered: 0, lostInSilence: 0, wrong: 0 };
  expect(log).toMatchObject({ ...nothing, lostAlive: 0 });
  for (const reader of live.values()) {
    expect(reader).toMatchObject(nothing);
    expect(reader.latest).toBeLessThan(3 * beat + 1_000);
  }
  expect(commands).toMatchObject({ pending: 0, wrong: 0 });
  expect(commands.longest).toBeLessThan(3 * beat);
}

describeNats('the fleet', () => {
  let torture: FleetTorture | undefined;
  let namespace: NetworkNamespace | undefined;

  afterEach(async () => {
    await torture?.stop();
    namespace?.remove();
  });

  it(
    'loses nothing in silence when the only server or an agent dies (F2, F3, F5, F7, F8)',
    async () => {
      const beat = 500;
      torture = await FleetTorture.start({ servers: 1, vmsPerHost: 2, rate: 100, beat });
      await setTimeout(1_000);
      await torture.cluster.kill('n1');
      await setTimeout(1_000);
      await torture.cluster.restart('n1');
      await torture.until('h1', 'ready');
      await torture.stored('h2');
      await torture.killAgent('h2');
      expect(await torture.until('h2', 'unknown')).toBeLessThan(3 * beat + 1_000);
      await torture.startAgent('h2');
      await torture.until('h2', 'ready');
      await setTimeout(1_000);
      await judged(torture, beat);
    },
    PATIENCE,
  );

  (isLong ? it : it.skip)(
    'loses nothing in silence in a cluster of three whose leader dies twice, whose servers all die, and whose hosts die and are cut off (F2, F3, F5, F6, F7, F8)',
    async () => {
      const beat = 2_000;
      namespace = networkNamespace('a host that is cut off');
      torture = await FleetTorture.start({
        ...{ servers: 3, vmsPerHost: 5, rate: 200, beat },
        ...(namespace && { namespace }),
      });
      const { cluster } = torture;
      await setTimeout(5_000);
      for (const time of ['first', 'second']) {
        const leader = (await cluster.healthy('QMP')).cluster?.leader ?? '';
        await cluster.kill(leader);
        await setTimeout(8_000);
        await cluster.restart(leader);
        await cluster.healthy('QMP');
        survived(`the ${time} death of the log's leader, ${leader}`);
      }
      await cluster.kill(...cluster.names);
      await setTimeout(2_000);
      await Promise.all(cluster.names.map((name) => cluster.restart(name)));
      await cluster.healthy('QMP');
      await torture.until('h1', 'ready');
      await torture.until('h2', 'ready');
      survived('the death of all three servers at once');

      await torture.stored('h2');
      await torture.killAgent('h2');
      const dead = await torture.until('h2', 'unknown');
      await torture.startAgent('h2');
      const back = await torture.until('h2', 'ready');
      survived(
        `kill -9 of an agent: its VMs are unknown after ${dead.toFixed(0)} ms, ready ${back.toFixed(0)} ms after its start`,
      );
      expect(dead).toBeLessThan(3 * beat + 1_000);

      if (namespace) {
        namespace.cut();
        const cut = await torture.until('h1', 'unknown');
        await setTimeout(20_000 - cut);
        namespace.mend();
        const mended = await torture.until('h1', 'ready');
        survived(
          `a host cut off for 20 s: unknown after ${cut.toFixed(0)} ms, ready ${mended.toFixed(0)} ms after it was mended`,
        );
        expect(cut).toBeLessThan(3 * beat + 1_000);
      }
      await setTimeout(5_000);
      await judged(torture, beat);
    },
    PATIENCE,
  );
});
