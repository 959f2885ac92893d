import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { concatMap, fromEvent, lastValueFrom, takeUntil } from 'rxjs';
import type { FleetEvent, FleetGap } from '../../fleet/client/fleet-types.js';
import { parseExact } from '../../protocol/json.js';
import type { QmpEvent } from '../../protocol/message.js';
import { addressOptions, type AddressOptions } from '../addresses.js';
import { clock, eventLine } from '../event-line.js';
import { interruptSignal } from '../interrupt.js';
import { parseNatsWhere, withFleet } from '../nats-address.js';
import { list } from '../options.js';
import { count, jsonLine, note } from '../terminal.js';

interface Options extends AddressOptions {
  readonly event?: string[];
  readonly since?: Date | string;
  readonly until?: Date | string;
  readonly json?: boolean;
}

export function historyCommand(): Command {
  const command = new Command('history')
    .argument('<address>', 'nats:HOST/VM, nats:HOST for all of a host, nats: for all')
    .option('-s, --since <when>', '1h, 30m, 2d, a time in ISO 8601, or a position', when)
    .option('-u, --until <when>', 'the same', when)
    .option('-e, --event <name>', 'only events with this name; A,B for several, or given again', list)
    .option('--json', 'JSON lines, as in a pipe')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp history nats:h1/vm7 --since 1h
  $ rx-qmp history nats: --event GUEST_PANICKED --since 7d --json | jq -r .vm

It is the log of NATS, whose clock counts; where events are missing from it, a line on the error output says so.`,
    )
    .action(history);
  return addressOptions(command);
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @throws InvalidArgumentError if it is not a time */
export function when(text: string): Date | string {
  if (/^\d+$/.test(text)) return text;
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const date = number ? new Date(Date.now() - Number(number) * UNITS[unit as keyof typeof UNITS]) : new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError('It must be 1h, 30m, 2d, a time, or a position.');
  return date;
}

async function history(address: string, options: Options): Promise<void> {
  const { event: names = [], since, until, json = false } = options;
  const where = {
    ...parseNatsWhere(address),
    names,
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
  let printed = 0;
  const print = async (one: FleetEvent | FleetGap): Promise<void> => {
    if ('event' in one) printed += 1;
    if ('event' in one) await write(lineOf(one, json));
    else note(gapLine(one, address));
  };
  await withFleet(options, 'history', async (fleet) => {
    const ends$ = fromEvent(interruptSignal(), 'abort');
    await lastValueFrom(fleet.history(where).pipe(concatMap(print), takeUntil(ends$)), { defaultValue: undefined });
  });
  note(`${count(printed, 'event')} in the log`);
}

function lineOf({ vm, position, late, text }: FleetEvent, json: boolean): string {
  const event = parseExact(text) as QmpEvent;
  if (!json && process.stdout.isTTY) return eventLine(vm, event, false);
  return jsonLine({ vm, position, ...(late && { late }), ...event });
}

function gapLine({ vm, since, until, missed, cause }: FleetGap, address: string): string {
  const missing = missed === undefined ? '' : `: ${count(missed, 'event')} missing`;
  return `${vm ?? address}: ${clock(since)} to ${clock(until)}${missing}: ${cause}`;
}

async function write(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain').catch(() => undefined);
}
