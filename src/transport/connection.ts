import type { Observable } from 'rxjs';
import type { CommandMap } from '../protocol/qapi/command-map.js';

/** One open byte stream to a QMP server. */
export interface Connection {
  /**
   * What arrives; text or bytes, cut anywhere. Subscribed exactly once; what came before is held. Completes when either end
   * closes in good order and errors, with the cause, when the connection breaks. A chunk's memory may be used again once the
   * subscriber has returned.
   */
  readonly incoming$: Observable<Uint8Array | string>;
  /** Writes. Never throws: that the connection has gone is told by `incoming$`. The caller may use the bytes' memory again. */
  send(data: string | Uint8Array): void;
  /** Gives the connection up at once, whatever is unsent. May be called again. */
  close(): void;
  /**
   * The caller of the command with this id has given up, by signal or by time-out. A connection that has this method gets the
   * stream ready for the next command by itself; without it, the command keeps its place until its late reply.
   */
  abandon?(id: number): void;
  /** Writes, and passes these open file descriptors along. They stay the caller's. */
  sendWithFds?(data: string, fds: readonly number[]): void;
}

/**
 * Opens a connection, or rejects. Once `signal` aborts it lets go of whatever it holds. `M` is the map of the commands that the
 * other end takes.
 */
export type Connector<M extends object = CommandMap> = ((signal: AbortSignal) => Promise<Connection>) & {
  /** What it connects to, in words; the default name of a client. */
  readonly address?: string;
  /** True if it waits for the other end to dial: the time until then is not limited by `connectTimeout`. */
  readonly waitsForPeer?: boolean;
  /**
   * True if a connection that is not greeted waits for its turn at a monitor, and is sure to end when its server does. With
   * `reconnect` it is kept after `connectTimeout`: dialling again each time would fill the monitor's listen queue.
   */
  readonly keepsPlace?: boolean;
  /** Milliseconds of silence after which a client asks whether the other end is still there; see the client's option. */
  readonly heartbeat?: number;
  /**
   * What it means if the other end says nothing until `connectTimeout`, for the error.
   *
   * @default a connection that does not come about
   */
  readonly silence?: string;
  /** How many commands the other end takes at a time. A client's own option may lower it. */
  readonly maxInFlight?: number;
  /** For the types alone: the map of the commands that the other end takes. */
  readonly commands?: M;
};
