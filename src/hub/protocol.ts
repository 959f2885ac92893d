import type { Rights, VmInfo } from '../gateway/vm-info.js';
import { isEvent, type QmpEvent } from '../protocol/message.js';

/** What the bearer of a token may do, on every VM of the hub. */
export type HubRights = Rights;

/** An event of one of the hub's VMs. */
export interface HubEvent {
  readonly vm: string;
  readonly event: QmpEvent;
}

/**
 * One frame of `/events`, one JSON object in a line: first `hub` with `vms`; then `vms` alone whenever a VM was added or
 * removed, `state` whenever one has changed, and every event.
 */
export type HubFrame =
  | { readonly hub?: HubRights; readonly vms: readonly VmInfo[] }
  | { readonly vm: string; readonly state: VmInfo }
  | HubEvent;

/** True for what {@link HubFrame} allows; a newer hub may send more. */
export function isHubFrame(message: object): message is HubFrame {
  if ('vms' in message) return Array.isArray(message.vms) && message.vms.every(isVmInfo);
  if (!('vm' in message) || typeof message.vm !== 'string') return false;
  if ('state' in message) return isVmInfo(message.state);
  return 'event' in message && typeof message.event === 'object' && message.event !== null && isEvent(message.event);
}

function isVmInfo(info: unknown): info is VmInfo {
  const { name, state } = (info ?? {}) as Partial<VmInfo>;
  return typeof name === 'string' && typeof state === 'string';
}
