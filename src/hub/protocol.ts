import type { Rights, VmInfo } from '../gateway/vm-info.js';
import { isEvent, type QmpEvent } from '../protocol/message.js';

/** What the bearer of a token may do, on every VM that the token shows. */
export interface HubRights extends Rights {
  /** Whose token it is, by the hub's token file. */
  readonly name: string;
  /** Whether it shows the screens of VMs. */
  readonly screen: boolean;
}

/** An event of one of the hub's VMs. */
export interface HubEvent {
  readonly vm: string;
  readonly event: QmpEvent;
  /** Names this one event, `EPOCH.N`: what the hub's history and `/events?after=` take. N grows over all VMs of the hub. */
  readonly position: string;
}

/** Events that are missing. */
export interface HubGap {
  /** Whose they are; absent where it may be anybody's. */
  readonly vm?: string;
  readonly since: Date;
  readonly until: Date;
  /** How many; absent where nobody knows. */
  readonly missed?: number;
  /** Why the connection to the hub had ended, if it had. */
  readonly cause?: Error;
}

/** What comes first on each connection to `/events`. */
export interface HubGreeting {
  readonly hub: HubRights & {
    readonly protocol: 1;
    /** A random word that the hub makes at its start: positions are of one epoch. */
    readonly epoch: string;
  };
  /** The number of the latest event. */
  readonly n: number;
  readonly vms: readonly VmInfo[];
}

/** One event, as QEMU sent it. */
export interface EventFrame {
  readonly vm: string;
  /** Counts the events of all VMs of the hub. */
  readonly n: number;
  /** Counts the events of this VM: where it skips, events are missing. */
  readonly k: number;
  readonly event: QmpEvent;
}

/** What has become of the VMs, at most once in a turn. Members that would be empty are absent. */
export interface ChangeFrame {
  readonly added?: readonly VmInfo[];
  readonly removed?: readonly string[];
  readonly changed?: readonly VmInfo[];
}

/** One line of `/events`. A newer hub may send more kinds: ignore them. */
export type HubFrame = HubGreeting | EventFrame | ChangeFrame;

/** True for what {@link HubFrame} allows. */
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
