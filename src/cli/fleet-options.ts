import type { Command } from 'commander';
import type { Logger } from '../foundation/logger.js';
import type { VmSource } from '../gateway/vm-source.js';
import { list } from './options.js';
import { UsageError } from './usage-error.js';

/** Which VMs of a fleet a hub offers. */
export interface FleetOptions {
  readonly nats?: string[];
  readonly creds?: string;
  readonly tlsCa?: string;
  readonly hosts?: string[];
}

/** For the help of a command that starts a hub. */
export function fleetOptions(command: Command): Command {
  return command
    .option('--nats <url>', 'the VMs of a fleet, too: tls://HOST:PORT; A,B for several', list)
    .option('--hosts <name>', 'of these hosts of the fleet only; A,B for several', list)
    .option('--creds <file>', 'who the hub is for NATS; else RX_QMP_NATS_CREDS')
    .option('--tls-ca <file>', 'PEM; whose certificates to trust at NATS');
}

/** @throws UsageError for an option that needs another, and for what is not safe. Connects to nothing. */
export async function checkFleet(options: FleetOptions): Promise<void> {
  if (options.nats) await (await import('./nats-connection.js')).natsSettings(options, 'hub');
  else if (options.hosts ?? options.creds ?? options.tlsCa) {
    throw new UsageError('--hosts, --creds and --tls-ca go with --nats');
  }
}

/** The VMs of the fleet that is named, if one is; with what ends the connection to it. */
export async function openFleet(
  options: FleetOptions,
  name: string,
  logger: Logger,
): Promise<{ readonly source: VmSource; close(): Promise<void> } | undefined> {
  await checkFleet(options);
  if (!options.nats) return undefined;
  return (await import('./fleet-source.js')).fleetSource(options, name, logger);
}
