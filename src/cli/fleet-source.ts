import {
  combineLatest,
  concat,
  defer,
  filter,
  from,
  map,
  merge,
  mergeMap,
  reduce,
  throwError,
  type Observable,
} from 'rxjs';
import { FleetClient } from '../fleet/client/fleet-client.js';
import type { FleetEvent, FleetGap } from '../fleet/client/fleet-types.js';
import type { PastEvent, SourceEvent, SourceRange, VmSource } from '../gateway/vm-source.js';
import type { Logger } from '../foundation/logger.js';
import type { QmpEvent } from '../protocol/message.js';
import { connectNats, type NatsOptions } from './nats-connection.js';

/** How far back the log is read for the latest events, in milliseconds: the whole of it only where less has too few. */
const WINDOWS = [3_600_000, 24 * 3_600_000, Infinity];

/** The VMs of a fleet, for a hub; with what ends the connection to NATS. */
export async function fleetSource(
  options: NatsOptions & { readonly hosts?: readonly string[] },
  name: string,
  logger?: Logger,
): Promise<{ readonly source: VmSource; close(): Promise<void> }> {
  const nats = await connectNats(options, name);
  const fleet = new FleetClient(nats, logger && { logger });
  return {
    source: sourceOf(fleet, options.hosts ?? []),
    close: async () => {
      await fleet.close();
      await nats.close();
    },
  };
}

/** @param hosts whose VMs; all if none is named */
function sourceOf(fleet: FleetClient, hosts: readonly string[]): VmSource {
  const places = hosts.length === 0 ? [{}] : [...new Set(hosts)].map((host) => ({ host }));
  return {
    // It completes when NATS has closed the connection for good.
    vms$: concat(
      combineLatest(places.map((where) => fleet.vmsOf(where))).pipe(map((lists) => lists.flat())),
      throwError(() => new Error('NATS has closed the connection for good')),
    ),
    // Gaps first: of one reader, they are told before the event that follows.
    events$: withMissed(merge(...places.map((where) => merge(fleet.gaps$(where), fleet.events$(where))))).pipe(
      map(({ vm, event, text, missed }): SourceEvent => ({ vm, event, text, ...(missed > 0 && { missed }) })),
    ),
    connector: (vm) => fleet.connector(vm),
    history: (vm, range) => pastOf(fleet, vm, range),
  };
}

function pastOf(fleet: FleetClient, vm: string, { limit, before }: SourceRange): Observable<PastEvent> {
  const until = typeof before === 'number' ? { until: String(Math.max(0, before - 1)) } : {};
  const isMeant = (event: QmpEvent): boolean => typeof before !== 'object' || timeOf(event) < timeOf(before);
  const read = (window: number): Observable<PastEvent> => {
    const reach = WINDOWS[window] ?? Infinity;
    const since = reach === Infinity ? {} : { since: new Date(Date.now() - reach) };
    return withMissed(fleet.history({ vm, ...since, ...until })).pipe(
      filter(({ event }) => isMeant(event)),
      reduce<FleetEvent & { missed: number }, PastEvent[]>((kept, { event, text, position, missed }) => {
        kept.push({ n: Number(position), event, text, ...(missed > 0 && { missed }) });
        // Now and then: a log of millions is read to its end.
        return kept.length > 2 * limit + 1_000 ? kept.slice(-limit) : kept;
      }, []),
      mergeMap((kept) => (kept.length < limit && reach < Infinity ? read(window + 1) : from(kept.slice(-limit)))),
    );
  };
  return defer(() => read(0));
}

/** Each event with how many of its VM are missing before it. A loss of unknown size is not told: no number stands for it. */
function withMissed(items$: Observable<FleetEvent | FleetGap>): Observable<FleetEvent & { missed: number }> {
  return defer(() => {
    const missing = new Map<string, number>();
    return items$.pipe(
      mergeMap((item) => {
        const { vm, missed = 0 } = item as FleetGap;
        const sum = missed + (vm === undefined ? 0 : (missing.get(vm) ?? 0));
        if ('event' in item) {
          missing.delete(item.vm);
          return [{ ...item, missed: sum }];
        }
        if (vm !== undefined && sum > 0) missing.set(vm, sum);
        return [];
      }),
    );
  });
}

/** In microseconds, by the clock of the VM's host. */
function timeOf({ timestamp: { seconds, microseconds } }: QmpEvent): number {
  return seconds * 1_000_000 + microseconds;
}
