import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { ExecInterruptedError, QmpClient, StateError, backoff, type Gap, type QmpEvent } from 'rx-qmp';
import { unixSocket } from 'rx-qmp/node';
import { describeQemu, exit, socketAt } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { PATIENCE, scale, survived } from './scale.js';

const ROUNDS = scale(5, 50);

/** A QEMU with two monitors: what happens on one is witnessed on the other. */
async function start(folder: string): Promise<ChildProcess> {
  const monitors = ['one', 'two'].flatMap((name) => ['-qmp', `unix:${join(folder, name)},server=on,wait=off`]);
  const qemu = spawn('qemu-system-x86_64', ['-machine', 'none', '-nodefaults', '-display', 'none', ...monitors]);
  const patience = AbortSignal.timeout(10_000);
  await Promise.all([socketAt(join(folder, 'one'), patience), socketAt(join(folder, 'two'), patience)]);
  return qemu;
}

describeQemu('restarts under reconnect', () => {
  it(
    'settles every promise, tells every gap and hears each event once, in order, through kills, stops and restarts (C4, C8)',
    async () => {
      const folder = temporaryFolder();
      let qemu = await start(folder.path);
      const options = { reconnect: backoff({ from: 1, to: 20 }), executeTimeout: 10_000 };
      const client = new QmpClient(unixSocket(join(folder.path, 'one')), options);
      const witness = new QmpClient(unixSocket(join(folder.path, 'two')), options);
      const gaps: Gap[] = [];
      client.gaps$.subscribe((gap) => gaps.push(gap));
      const heard: { session: number; event: QmpEvent }[] = [];
      const seen: { session: number; event: QmpEvent }[] = [];
      client.observe().subscribe((event) => heard.push({ session: sessionOf(client), event }));
      witness.observe().subscribe((event) => seen.push({ session: sessionOf(witness), event }));
      const outcomes = new Map<string, number>();

      for (let round = 1; round <= ROUNDS; round += 1) {
        await Promise.all([client.connect(), witness.connect()]);
        const commands = Array.from({ length: 20 }, (_, index) =>
          client.execute(index % 2 === 0 ? 'stop' : 'cont').then(
            () => 'done',
            (error: unknown) => {
              if (error instanceof ExecInterruptedError || error instanceof StateError) return error.name;
              throw error;
            },
          ),
        );
        await commands[round % 10];
        if (round % 3 === 0) qemu.kill('SIGSTOP');
        qemu.kill('SIGKILL');
        await exit(qemu);
        for (const outcome of await Promise.all(commands)) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        const back = Promise.all([client, witness].map((one) => running(one, round + 1)));
        qemu = await start(folder.path);
        await back;
      }

      expect(gaps.map(({ session }) => session)).toEqual(Array.from({ length: ROUNDS }, (_, index) => index + 2));
      for (let session = 1; session <= ROUNDS; session += 1) {
        const mine = heard.filter((one) => one.session === session).map(stamp);
        const its = seen.filter((one) => one.session === session).map(stamp);
        // Whoever was cut off first has the beginning of what the other has.
        const both = Math.min(mine.length, its.length);
        expect(mine.slice(0, both)).toEqual(its.slice(0, both));
        expect(mine.length).toBeGreaterThan(0);
        expect(new Set(mine).size).toBe(mine.length);
      }
      await Promise.all([client.close(), witness.close()]);
      qemu.kill('SIGKILL');
      await exit(qemu);
      folder.remove();
      survived(
        `${ROUNDS} restarts of a real QEMU under reconnect: ${heard.length} events each once and in order, ${gaps.length} gaps told; ` +
          `commands: ${[...outcomes].map(([name, count]) => `${count} ${name}`).join(', ')}; none pending`,
      );
    },
    PATIENCE,
  );
});

const stamp = ({ event }: { event: QmpEvent }): string =>
  `${event.event} ${event.timestamp.seconds}.${event.timestamp.microseconds}`;

/** While one is running its own number; else that of the session whose end it is dealing with. */
function sessionOf({ stats }: QmpClient): number {
  return stats.reconnects + 1;
}

function running(client: QmpClient, session: number): Promise<unknown> {
  return firstValueFrom(client.state$.pipe(filter((state) => state.phase === 'ready' && state.session === session)));
}
