import type { Observable } from 'rxjs';

/** One open byte stream to a QMP server. */
export interface Connection {
  /**
   * What arrives; text or bytes, cut anywhere. Subscribed exactly once; what came before is held. Completes when the other end
   * closes in good order and errors, with the cause, when the connection breaks. A chunk's memory may be used again once the
   * subscriber has returned.
   */
  readonly incoming$: Observable<Uint8Array | string>;
  /** Writes. Never throws: that the connection has gone is told by `incoming$`. */
  send(text: string): void;
  /** Gives the connection up at once, whatever is unsent. May be called again. */
  close(): void;
}

/** Opens a connection, or rejects. Once `signal` aborts it lets go of whatever it holds. */
export type Connector = ((signal: AbortSignal) => Promise<Connection>) & {
  /** What it connects to, for people; the default name of a client. */
  readonly address?: string;
  /** True if it waits for the other end to dial: the time until then is not limited by `connectTimeout`. */
  readonly waitsForPeer?: boolean;
  /**
   * True if a connection that is not greeted waits for its turn at a monitor, and is sure to end when its server does. With
   * `reconnect` it is kept after `connectTimeout`: dialling anew each time would fill the monitor's listen queue.
   */
  readonly keepsPlace?: boolean;
};
