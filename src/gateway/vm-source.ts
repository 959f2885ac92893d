import type { Observable } from 'rxjs';
import type { Connector } from '../transport/connection.js';
import type { QmpEvent } from '../protocol/message.js';
import type { VmInfo } from './vm-info.js';

/** VMs that run on other hosts: which there are, and the way to each. A fleet over NATS is one. */
export interface VmSource {
  /**
   * All VMs, as soon as they are known and after each change. Names are `PLACE/NAME`, `h1/vm7`: letters, digits and `_ . -`
   * between the slashes; a VM whose name is not valid is left out. When it errors, all VMs are `unknown` from then on; a list
   * that does not change any more may complete.
   */
  readonly vms$: Observable<readonly SourceVm[]>;
  /** The way to one of them. It is dialled when somebody first wants to run commands there, and left after that. */
  connector(vm: string): Connector;
  /** The events of all VMs, without a session to any. @default the events of those that are dialled, while they are */
  readonly events$?: Observable<SourceEvent>;
  /** What happened to a VM before: oldest first, then it completes. @default what the hub has heard since its start */
  history?(vm: string, range: SourceRange): Observable<PastEvent>;
}

/** What a source knows of a VM. */
export type SourceVm = Omit<VmInfo, 'events' | 'lastEvent'>;

/** An event of one VM. */
export interface SourceEvent {
  /** The name of the VM. */
  readonly vm: string;
  /** The event as QEMU sent it. */
  readonly event: QmpEvent;
  /** QEMU's own JSON of it, which clients are sent. @default that of `event`, in which integers beyond 2^53 are rounded */
  readonly text?: string;
  /** So many events of this VM were lost before it. */
  readonly missed?: number;
}

/** An event of the past. */
export interface PastEvent {
  /** Its place in the source's history, which grows. */
  readonly n: number;
  /** The event as QEMU sent it. */
  readonly event: QmpEvent;
  /** QEMU's own JSON of it, which clients are sent. @default that of `event`, in which integers beyond 2^53 are rounded */
  readonly text?: string;
  /** So many events of this VM are missing before it. */
  readonly missed?: number;
}

/** The line of JSON that clients are sent; a source may pass on what strangers wrote, and a line end would begin another. */
export function lineOf({ event, text = JSON.stringify(event) }: Pick<SourceEvent, 'event' | 'text'>): string {
  return text.replaceAll(/[\r\n]/g, ' ');
}

/** Which part of a VM's past. */
export interface SourceRange {
  /** At most so many events: the latest. At least 1. */
  readonly limit: number;
  /** Only what was before: a place in the history, or an event that came live. */
  readonly before?: number | QmpEvent;
}
