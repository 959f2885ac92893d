import type { Rights, VmInfo } from '../gateway/vm-info.js';
import { isEvent, type QmpEvent } from '../protocol/message.js';

/** What the bearer of a token may do, on every VM that the token shows. */
export interface HubRights extends Rights {
  /** The name of the token, as the hub's token file has it. */
  readonly name: string;
  /** Whether its bearer may see the screens of VMs. */
  readonly screen: boolean;
}

/** An event of one of the hub's VMs. */
export interface HubEvent {
  /** The name of the VM. */
  readonly vm: string;
  /** The event as QEMU sent it. */
  readonly event: QmpEvent;
  /** Names this one event, `EPOCH.N`: what the hub's history and `/events?after=` take. N grows over all VMs of the hub. */
  readonly position: string;
}

/** Events that are missing. */
export interface HubGap {
  /** The VM whose events are missing; absent where it may be any VM. */
  readonly vm?: string;
  /** The time of the last event before the gap, or of the end of the connection. */
  readonly since: Date;
  /** The time of the end of the gap. */
  readonly until: Date;
  /** How many events are missing; absent where that is not known. */
  readonly missed?: number;
  /** Why the connection to the hub had ended, if it had. */
  readonly cause?: Error;
}

/** What comes first on each connection to `/events`. */
export interface HubGreeting {
  /** The protocol's version, and what the token allows. */
  readonly hub: HubRights & {
    readonly protocol: 1;
    /** A random word that the hub makes at its start: positions are of one epoch. */
    readonly epoch: string;
  };
  /** The number of the latest event. */
  readonly n: number;
  /** The VMs that the token shows. */
  readonly vms: readonly VmInfo[];
}

/** One event, as QEMU sent it. */
export interface EventFrame {
  /** The name of the VM. */
  readonly vm: string;
  /** Counts the events of all VMs of the hub. */
  readonly n: number;
  /** Counts the events of this VM: where it skips, events are missing. */
  readonly k: number;
  /** The event as QEMU sent it. */
  readonly event: QmpEvent;
}

/** What has changed among the VMs. Members that would be empty are absent. */
export interface ChangeFrame {
  /** VMs that have come. */
  readonly added?: readonly VmInfo[];
  /** The names of VMs that have gone. */
  readonly removed?: readonly string[];
  /** VMs that have changed, each with all its members. */
  readonly changed?: readonly VmInfo[];
}

/** One line of `/events`. A newer hub may send more kinds: ignore them. */
export type HubFrame = HubGreeting | EventFrame | ChangeFrame;

/** True if the message is a {@link HubFrame}. */
export function isHubFrame(message: object): message is HubFrame {
  const { hub, n, vms, added, removed, changed, vm, k, event } = message as Partial<Record<string, unknown>>;
  if (hub !== undefined) {
    const { epoch } = hub as { epoch?: unknown };
    return typeof epoch === 'string' && typeof n === 'number' && areVms(vms);
  }
  if (event !== undefined) {
    const isNumbered = typeof vm === 'string' && typeof n === 'number' && typeof k === 'number';
    return isNumbered && typeof event === 'object' && event !== null && isEvent(event);
  }
  if (added === undefined && removed === undefined && changed === undefined) return false;
  return areVms(added ?? []) && areVms(changed ?? []) && Array.isArray(removed ?? []);
}

function areVms(vms: unknown): boolean {
  return Array.isArray(vms) && vms.every(isVmInfo);
}

function isVmInfo(info: unknown): info is VmInfo {
  const { name, state } = (info ?? {}) as Partial<VmInfo>;
  return typeof name === 'string' && typeof state === 'string';
}

/** `EPOCH.N`. */
export function positionOf(epoch: string, n: number): string {
  return `${epoch}.${n}`;
}

/** The parts of a position, or undefined if it is not valid. */
export function readPosition(position: string): { readonly epoch: string; readonly n: number } | undefined {
  const [, epoch, n] = /^([A-Za-z0-9_-]{1,64})\.(\d{1,15})$/.exec(position) ?? [];
  return epoch === undefined ? undefined : { epoch, n: Number(n) };
}
