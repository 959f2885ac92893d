import { finalize } from 'rxjs';
import { FleetClient } from '../fleet/client/fleet-client.js';
import type { Where } from '../fleet/client/fleet-types.js';
import { parseVmName } from '../fleet/subjects.js';
import type { Connector } from '../transport/connection.js';
import { connectNats, type NatsOptions } from './nats-connection.js';
import { UsageError } from './usage-error.js';

/** The connector of `nats:HOST/VM`. Each session has a connection to NATS of its own, which ends with it. */
export function natsConnector(text: string, options: NatsOptions): Connector {
  const vm = text.replace(/^nats:/, '');
  parseVmName(vm);
  const dial: Connector = async (signal) => {
    const nats = await connectNats(options, text);
    try {
      const connection = await new FleetClient(nats).connector(vm)(signal);
      const incoming$ = connection.incoming$.pipe(finalize(() => void nats.close()));
      return { ...connection, incoming$ };
    } catch (error) {
      await nats.close();
      throw error;
    }
  };
  return Object.assign(dial, { address: text });
}

/** `nats:`, `nats:HOST` or `nats:HOST/VM`. @throws UsageError if it is not one */
export function parseNatsWhere(text: string): Pick<Where, 'host' | 'vm'> {
  const [, rest] = /^nats:(.*)$/s.exec(text) ?? [];
  if (rest === undefined) throw new UsageError(`address must be nats:, nats:HOST or nats:HOST/VM, not '${text}'`);
  if (rest === '') return {};
  return rest.includes('/') ? { vm: rest } : { host: rest };
}

/** Runs with a client of the fleet, and ends its connection. */
export async function withFleet<T>(
  options: NatsOptions,
  name: string,
  run: (fleet: FleetClient) => Promise<T>,
): Promise<T> {
  const nats = await connectNats(options, name);
  try {
    return await run(new FleetClient(nats));
  } finally {
    await nats.close();
  }
}
