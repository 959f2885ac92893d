import { join } from 'node:path';
import { filter, firstValueFrom, map, pairwise, takeWhile, tap, toArray } from 'rxjs';
import type { EventListener } from '../../bus/event-listener.js';
import { ofEvent } from '../../bus/of-event.js';
import { JobListener } from '../../bus/job-listener.js';
import type { QmpClient } from '../../client/qmp-client.js';
import { timeOf, type QmpEvent } from '../../protocol/message.js';
import { jsonLine } from '../terminal.js';
import type { DemoVm } from './vm.js';

/** Where the story is told: a heading for each thing shown, and lines made of what arrived. */
export interface Teller {
  heading(text: string): void;
  line(text: string): void;
}

const SECOND = 1_000;
const DEADLINE = { timeout: 5 * SECOND };

/** Shows, on a running VM, each thing the library is for. */
export async function tell(client: QmpClient, vm: DemoVm, teller: Teller): Promise<void> {
  await scopedListener(client, teller);
  await twoListeners(client, teller);
  await oneJob(client, vm, teller);
  await pipeline(client, teller);
  history(client, teller);
  if (vm.ours) await shutdown(client, teller);
  else teller.line('(It is your VM: quit is not sent.)');
}

async function scopedListener(client: QmpClient, teller: Teller): Promise<void> {
  teller.heading('A scoped listener around stop and cont');
  const listener = client.listener(['STOP', 'RESUME']);
  await client.execute('stop');
  await client.execute('cont');
  teller.line(nameAndTime(await listener.get(DEADLINE)));
  teller.line(nameAndTime(await listener.get(DEADLINE)));
  listener.close();
  teller.line(`closed: ${client.listeners.length - 1} listeners left`);
}

async function twoListeners(client: QmpClient, teller: Teller): Promise<void> {
  teller.heading('Two listeners, each with its own copy');
  const one = client.listener(['STOP', 'RESUME']);
  const two = client.listener('STOP');
  await client.execute('stop');
  await client.execute('cont');
  await two.get(DEADLINE);
  teller.line(`one has ${one.size} unread, two read its own: ${two.size} unread`);
  one.close();
  two.close();
}

async function oneJob(client: QmpClient, vm: DemoVm, teller: Teller): Promise<void> {
  teller.heading('A listener for one block job, until it is concluded');
  const listener = new JobListener('demo-job');
  const scope = client.listen(listener);
  const filename = join(vm.folder, 'disk.img');
  await client.execute('blockdev-create', {
    'job-id': 'demo-job',
    options: { driver: 'file', filename, size: 1024 * 1024 },
  });
  for await (const event of listener.iterate({ signal: AbortSignal.timeout(DEADLINE.timeout) })) {
    teller.line(`${event.event} ${jsonLine(event.data)}`);
    if (event.event === 'JOB_STATUS_CHANGE' && event.data.status === 'concluded') break;
  }
  await client.execute('job-dismiss', { id: 'demo-job' });
  scope.close();
}

async function pipeline(client: QmpClient, teller: Teller): Promise<void> {
  teller.heading('A pipeline of RxJS operators: how long was it stopped?');
  const stopped = firstValueFrom(
    client.events$.pipe(
      ofEvent('STOP', 'RESUME'),
      pairwise(),
      filter(([before, after]) => before.event === 'STOP' && after.event === 'RESUME'),
      map(([before, after]) => microseconds(after) - microseconds(before)),
    ),
  );
  await client.execute('stop');
  await client.execute('cont');
  teller.line(`${await stopped} µs`);
}

function history(client: QmpClient, teller: Teller): void {
  teller.heading('The history outlives clear()');
  const listener: EventListener = client.events;
  const cleared = listener.clear().length;
  teller.line(`cleared ${cleared} unread, still ${listener.history.length} in the history:`);
  teller.line(listener.history.map(({ event }) => event).join(' '));
}

async function shutdown(client: QmpClient, teller: Teller): Promise<void> {
  teller.heading('quit, and SHUTDOWN');
  const last = firstValueFrom(
    client.observe('SHUTDOWN').pipe(
      tap((event) => {
        teller.line(`${event.event} ${jsonLine(event.data)}`);
      }),
      toArray(),
    ),
  );
  const closed = firstValueFrom(
    client.state$.pipe(
      takeWhile(({ phase }) => phase !== 'closed'),
      toArray(),
    ),
  );
  await client.execute('quit');
  await Promise.all([last, closed]);
  teller.line(`the connection is ${client.state.phase}`);
}

function nameAndTime(event: QmpEvent): string {
  return `${event.event} at ${timeOf(event).toISOString()}`;
}

function microseconds({ timestamp }: QmpEvent): number {
  return timestamp.seconds * 1_000_000 + timestamp.microseconds;
}
