import type { NatsConnection } from '@nats-io/nats-core';
import { checkLimit, checkTimeout } from '../../foundation/checks.js';
import { show } from '../../foundation/text.js';
import type { Logger } from '../../foundation/logger.js';
import { checkAllowed } from '../../gateway/rights.js';
import type { VmAddress } from '../../gateway/vm-address.js';
import { checkName } from '../subjects.js';

/** What an agent keeps and takes at most. */
export interface AgentLimits {
  /**
   * Events that wait to be stored, in all; then the oldest of the VM that makes more are dropped, and readers see a gap.
   *
   * @default 100_000
   */
  readonly bufferEvents: number;
  /** The length of the events that wait to be stored, in characters. @default 64 MiB */
  readonly bufferBytes: number;
  /** The size of the log of all hosts, in bytes; the oldest events go first. Used when the agent makes the log. @default 1 GiB */
  readonly logBytes: number;
  /** Commands of one client without an answer. @default 1_000 */
  readonly commandsPerCaller: number;
  /** Commands of all clients without an answer. @default 10_000 */
  readonly commands: number;
}

/** Which VMs an agent offers, under which host's name, and how. */
export interface AgentOptions {
  /** Yours, from `connect()` of `@nats-io/transport-node`, with `maxReconnectAttempts: -1`. The agent does not close it. */
  readonly nats: NatsConnection;
  /** The first half of the names of its VMs; one agent at a time serves a host. */
  readonly host: string;
  /** Where each VM's monitor is, by the VM's name: `'unix:/run/vm1.qmp'`, or `{ monitor, guest }` where its guest agent is, too. */
  readonly vms?: Readonly<Record<string, VmAddress>>;
  /** A folder of sockets, watched: each is a VM; `NAME.qga` is the guest agent of the VM of that name. */
  readonly dir?: string;
  /** Commands that may be run besides `query-*`, whatever NATS allows. @default none */
  readonly allow?: readonly string[];
  /** Bounds that differ from the defaults. */
  readonly limits?: Partial<AgentLimits>;
  /**
   * Milliseconds between beats: after three without one the VMs of a host are `unknown`. All agents of a fleet beat alike.
   *
   * @default 5_000
   */
  readonly beat?: number;
  /**
   * Copies of the log and of what is known of the VMs, where the agent makes them.
   *
   * @default 3 in a cluster of three servers, else 1
   */
  readonly replicas?: number;
  /** Is told what happens to the agent and its VMs. @default nothing is logged */
  readonly logger?: Logger;
}

const MiB = 1024 * 1024;

export function limitsOf({ limits = {} }: AgentOptions): AgentLimits {
  return {
    ...{ bufferEvents: 100_000, bufferBytes: 64 * MiB, logBytes: 1024 * MiB },
    ...{ commandsPerCaller: 1_000, commands: 10_000 },
    ...limits,
  };
}

/** @throws TypeError | RangeError for what is not valid */
export function checkOptions(options: AgentOptions): void {
  const { nats, host, beat = 5_000, allow = [], replicas } = options;
  if (typeof (nats as Partial<NatsConnection> | undefined)?.publish !== 'function') {
    throw new TypeError(`nats must be a NatsConnection, not ${show(nats)}`);
  }
  if (typeof host !== 'string') throw new TypeError(`host must be a string, not ${show(host)}`);
  checkName('host', host);
  checkTimeout('beat', beat);
  if (beat < 100 || beat > 600_000) throw new RangeError(`beat must be between 100 and 600,000 ms; it is ${beat}`);
  for (const command of allow) checkAllowed(command);
  for (const [name, limit] of Object.entries(limitsOf(options))) checkLimit(`limits.${name}`, limit, 1);
  if (replicas !== undefined && ![1, 3, 5].includes(replicas)) {
    throw new RangeError(`replicas must be 1, 3 or 5; it is ${replicas}`);
  }
}
