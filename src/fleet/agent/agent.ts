/// <reference lib="esnext.disposable" preserve="true" />
import type { VmInfo } from '../../gateway/vm-info.js';
import type { QmpError } from '../../protocol/errors.js';
import { connectorsOf, type VmAddress } from '../../gateway/vm-address.js';
import { Lease } from './lease.js';
import { checkOptions, limitsOf, type AgentOptions } from './options.js';
import { RunningAgent } from './running-agent.js';
import { Stores } from './stores.js';

/** An agent that serves a host. */
export interface Agent extends AsyncDisposable {
  /** The host that it serves: the first half of the names of its VMs. */
  readonly host: string;
  /** The VMs of this host, without its name. */
  readonly vms: readonly VmInfo[];
  /**
   * Resolves when it has ended: without a value after {@link close}, else with why, as when another agent has taken the host.
   * Never rejects.
   */
  readonly ended: Promise<QmpError | undefined>;
  /** What it does and drops, as Prometheus reads it. */
  metrics(): string;
  /** Adds a VM. @throws TypeError if the name is taken, or the name or the address is not valid */
  add(name: string, where: VmAddress): void;
  /** Forgets a VM. Does nothing where there is no VM of that name. */
  remove(name: string): Promise<void>;
  /** Ends the sessions, tells the readers, writes what is not written yet, and gives the host up. Not the connection to NATS. */
  close(): Promise<void>;
}

/**
 * Offers the VMs of this host on NATS: their events, live and in a log, what is known of them, and their commands.
 *
 * ```ts
 * const nats = await connect({ servers: 'tls://nats.example', maxReconnectAttempts: -1 });
 * await using agent = await createAgent({ nats, host: 'h1', vms: { vm1: 'unix:/run/vm1.qmp' }, allow: ['stop', 'cont'] });
 * ```
 *
 * A VM that cannot be reached is no error: it is tried again and again. Rejects with `TypeError` or `RangeError` if the
 * options are not valid, with `StateError` if another agent serves the host, the server is too old or without JetStream, or
 * the user lacks a right.
 */
export async function createAgent(options: AgentOptions): Promise<Agent> {
  checkOptions(options);
  const { nats, host, beat: every = 5_000, replicas, dir } = options;
  const connectors = Object.entries(options.vms ?? {}).map(([name, where]) => [name, connectorsOf(where)] as const);
  const stores = await Stores.open(nats, { every, logBytes: limitsOf(options).logBytes, replicas });
  const lease = await Lease.claim(stores, host, every);
  const agent = new RunningAgent(options, stores, lease);
  try {
    for (const [name, connector] of connectors) agent.add(name, connector);
    if (dir !== undefined) await agent.watch(dir);
    return agent;
  } catch (error) {
    await agent.close();
    throw error;
  }
}
