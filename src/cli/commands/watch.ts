import { once } from 'node:events';
import { Command } from 'commander';
import { LagError } from '../../protocol/errors.js';
import type { Connector } from '../../transport/connection.js';
import { QmpClient } from '../../client/qmp-client.js';
import { ADDRESS, addressOptions, connectorFor, type AddressOptions } from '../addresses.js';
import { clock, eventLine } from '../event-line.js';
import { EventWords } from '../event-words.js';
import { interruptSignal } from '../interrupt.js';
import { list, seconds, wholeNumber } from '../options.js';
import { count, note, printable } from '../terminal.js';
import { UsageError } from '../usage-error.js';
import { meets, parseCondition, type Condition } from '../where.js';

interface WatchOptions extends AddressOptions {
  readonly event?: readonly string[];
  readonly where?: readonly Condition[];
  readonly count?: number;
  readonly timeout?: number;
  readonly json?: boolean;
  readonly reconnect?: boolean;
}

export function watchCommand(): Command {
  const command = new Command('watch')
    .argument('<address...>', ADDRESS)
    .option('-e, --event <name>', 'only events with this name, or like BLOCK_*; A,B for several, or given again', list)
    .option('-w, --where <path=value>', 'only events with this value; may be given again', parseCondition)
    .option('-n, --count <number>', 'end after so many events', wholeNumber)
    .option('-t, --timeout <seconds>', 'end after so long; with fewer events than --count the exit code is 1', seconds)
    .option('--json', 'JSON lines, as in a pipe')
    .option('--reconnect', 'connect again after a loss instead of ending')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp watch unix:/run/vm1.qmp
  $ rx-qmp watch unix:/run/vm1.qmp unix:/run/vm2.qmp --event STOP,RESUME
  $ rx-qmp watch -e JOB_STATUS_CHANGE --where data.id=job1 --json unix:/run/vm1.qmp | jq .data.status
  $ rx-qmp watch -e SHUTDOWN --count 1 --timeout 60 unix:/run/vm1.qmp

Ctrl-C ends it. The exit code is 1 if a connection was lost or could not be made.`,
    )
    .action(watch);
  return addressOptions(command);
}

async function watch(addresses: string[], options: WatchOptions): Promise<void> {
  const connectors = await Promise.all(addresses.map((text) => connectorFor(text, options)));
  const interrupt = interruptSignal();
  const ending = new AbortController();
  const watching: Watching = {
    words: new EventWords(options.event ?? []),
    signal: AbortSignal.any([interrupt, ending.signal]),
    printed: 0,
    late: false,
    enough: () => {
      ending.abort();
    },
  };
  const late = (): void => {
    watching.late = true;
    watching.enough();
  };
  const timer = options.timeout === undefined ? undefined : setTimeout(late, options.timeout);
  try {
    await Promise.all(connectors.map((connector) => watchOne(connector, options, watching)));
  } finally {
    clearTimeout(timer);
    watching.enough();
  }
  note(`${count(watching.printed, 'event')} seen`);
  if (options.count !== undefined && watching.printed < options.count && !interrupt.aborted) process.exitCode = 1;
}

/** What the watchers of several VMs share. */
interface Watching {
  readonly words: EventWords;
  /** Aborts when there has been enough, and on Ctrl-C. */
  readonly signal: AbortSignal;
  printed: number;
  /** Whether the time is up. */
  late: boolean;
  enough(): void;
}

/** Prints until the signal aborts or the VM is gone. */
async function watchOne(connector: Connector, options: WatchOptions, watching: Watching): Promise<void> {
  const { where = [], reconnect = false } = options;
  const { words, signal } = watching;
  const client = new QmpClient(connector, { integers: 'exact', reconnect });
  const listener = client.listener(words.names, (event) => words.match(event.event) && meets(event, where));
  client.gaps$.subscribe(({ since, until }) => {
    note(`${client.name}: connected again; what happened between ${clock(since)} and ${clock(until)} is not known`);
  });
  client.diagnostics$.subscribe(({ message }) => {
    note(`${client.name}: ${printable(message)}`);
  });
  let connected = false;
  try {
    await client.connect({ signal });
    connected = true;
    note(`${client.name}: watching ${words.text}`);
    await words.check(client);
    for (let ended = false; !ended;) {
      try {
        for await (const event of listener.iterate({ signal })) {
          // Another watcher may have printed the last one that was asked for.
          if (signal.aborted) break;
          watching.printed += 1;
          if (watching.printed === options.count) watching.enough();
          await print(eventLine(client.name, event, options.json ?? false));
        }
        ended = true;
        if (!signal.aborted) note(`${client.name}: the VM has quit`);
      } catch (error) {
        if (!(error instanceof LagError)) throw error;
        note(`${client.name}: ${count(error.missed, 'event')} not printed: the output is too slow`);
      }
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const late = watching.late && !connected;
    if (signal.aborted && !late) return;
    note(late ? `${client.name}: not connected in time` : printable((error as Error).message));
    process.exitCode = 1;
  } finally {
    await client.close();
  }
}

/** Waits for a slow reader, so that what it has not read stays in the listener's bounded queue. */
async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain').catch(() => undefined);
}
