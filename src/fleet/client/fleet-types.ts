import type { VmInfo } from '../../gateway/vm-info.js';
import type { QmpEvent } from '../../protocol/message.js';

export type { NatsConnection } from '@nats-io/nats-core';

/** Selects VMs and events of the fleet; an empty object selects all. */
export interface Where {
  /** All VMs of one host. */
  readonly host?: string;
  /** One VM, by its full name: `h1/vm7`. */
  readonly vm?: string;
  /** QEMU's names of events. */
  readonly names?: readonly string[];
}

/** What is known of one VM of the fleet. */
export interface FleetVm extends Omit<VmInfo, 'events' | 'lastEvent'> {
  /** `HOST/VM`. */
  readonly name: string;
  /** The host that runs it: the first half of its name. */
  readonly host: string;
  /** Of QEMU's `-uuid`, where it was given: it stays the same when a VM moves to another host. */
  readonly uuid?: string;
}

/** Where an event stands in the log: what a program stores beside its own effect, and gives to `history()` as `since`. */
export type Position = string & { readonly position?: never };

/** An event of one VM of the fleet. */
export interface FleetEvent {
  /** `HOST/VM`. */
  readonly vm: string;
  /** The event as QEMU sent it. Integers beyond 2^53 are rounded, in {@link text} they are not. */
  readonly event: QmpEvent;
  /** QEMU's own JSON of the event. */
  readonly text: string;
  /**
   * `EPOCH.SESSION.N` of a live event, which has no place in the log yet: it tells two apart. The position in the log of one
   * from `history()` or `consume()`.
   */
  readonly position: Position;
  /** It was stored after events of a later agent: the host was cut off, or its agent was replaced, before it could be. */
  readonly late?: true;
}

/** Events that are missing, or may be. */
export interface FleetGap {
  /** `HOST/VM`; absent where it concerns all that was asked for. */
  readonly vm?: string;
  /** The time of the last event before the gap. */
  readonly since: Date;
  /** The time of the end of the gap. */
  readonly until: Date;
  /** How many events are missing; absent where that is not known. */
  readonly missed?: number;
  /** Why they are missing, in words. */
  readonly cause: string;
}

/** What a {@link FleetClient} is doing. */
export type FleetState =
  /** Nobody is subscribed. */
  | { readonly phase: 'idle' }
  | { readonly phase: 'open' }
  /** The NATS client looks for a server. */
  | { readonly phase: 'reconnecting'; readonly since: Date }
  | { readonly phase: 'closed'; readonly cause?: Error };
