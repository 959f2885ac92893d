import { once } from 'node:events';
import { Command } from 'commander';
import { LagError } from '../../protocol/errors.js';
import type { Connector } from '../../transport/connection.js';
import { QmpClient } from '../../client/qmp-client.js';
import { ADDRESS, addressOptions, connectorFor, type AddressOptions } from '../addresses.js';
import { clock, eventLine } from '../event-line.js';
import { interruptSignal } from '../interrupt.js';
import { list } from '../options.js';
import { count, note, printable } from '../terminal.js';
import { meets, parseCondition, type Condition } from '../where.js';

interface WatchOptions extends AddressOptions {
  readonly event?: string[];
  readonly where?: Condition[];
  readonly json?: boolean;
  readonly reconnect?: boolean;
}

export function watchCommand(): Command {
  const command = new Command('watch')
    .argument('<address...>', ADDRESS)
    .option('-e, --event <name>', 'only events with this name; A,B for several, or given again', list)
    .option('-w, --where <path=value>', 'only events with this value; may be given again', parseCondition)
    .option('--json', 'JSON lines, as in a pipe')
    .option('--reconnect', 'connect again after a loss instead of ending')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp watch unix:/run/vm1.qmp
  $ rx-qmp watch unix:/run/vm1.qmp unix:/run/vm2.qmp --event STOP,RESUME
  $ rx-qmp watch unix:/run/vm1.qmp --event JOB_STATUS_CHANGE --where data.id=job1 --json | jq .data.status

Ctrl-C ends it. The exit code is 1 if a connection was lost or could not be made.`,
    )
    .action(watch);
  return addressOptions(command);
}

async function watch(addresses: string[], options: WatchOptions): Promise<void> {
  const connectors = await Promise.all(addresses.map((text) => connectorFor(text, options)));
  const signal = interruptSignal();
  const counts = await Promise.all(connectors.map((connector) => watchOne(connector, options, signal)));
  const seen = counts.reduce((sum, one) => sum + one, 0);
  note(`${count(seen, 'event')} seen`);
}

/** Prints until the signal aborts or the VM is gone; resolves with how many events were printed. */
async function watchOne(connector: Connector, options: WatchOptions, signal: AbortSignal): Promise<number> {
  const { event: names = [], where = [], reconnect = false } = options;
  const client = new QmpClient(connector, { integers: 'exact', reconnect });
  const listener = client.listener(names, where.length > 0 ? (event) => meets(event, where) : undefined);
  client.gaps$.subscribe(({ since, until }) => {
    note(`${client.name}: connected again; what happened between ${clock(since)} and ${clock(until)} is not known`);
  });
  client.diagnostics$.subscribe(({ message }) => {
    note(`${client.name}: ${printable(message)}`);
  });
  let printed = 0;
  try {
    await client.connect({ signal });
    for (let ended = false; !ended;) {
      try {
        for await (const event of listener.iterate({ signal })) {
          printed += 1;
          await print(eventLine(client.name, event, options.json ?? false));
        }
        note(`${client.name}: the VM has quit`);
        ended = true;
      } catch (error) {
        if (!(error instanceof LagError)) throw error;
        note(`${client.name}: ${count(error.missed, 'event')} not printed: the output is too slow`);
      }
    }
  } catch (error) {
    if (!signal.aborted) {
      note(printable((error as Error).message));
      process.exitCode = 1;
    }
  } finally {
    await client.close();
  }
  return printed;
}

/** Waits for a slow reader, so that what it has not read stays in the listener's bounded queue. */
async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain').catch(() => undefined);
}
