import type { ClientSocket } from './client-socket.js';
import type { EventLog } from './event-log.js';
import type { Visitor } from './visitor.js';

/** Whose events and changes a client sees, and from when on. */
export interface WatchRequest extends Visitor {
  /** The number of the event after which it begins. */
  readonly after: number;
}

/** What has happened to one VM in this turn, last of all. */
export type Change = 'added' | 'removed' | 'changed';

/** What a turn of the event loop brings to all watchers. */
export interface Turn {
  readonly changes: ReadonlyMap<string, Change>;
  /** Many watchers are at the same place and see the same: what they are sent is made once, and found here by its key. */
  readonly made: Map<string, { readonly bytes: Buffer; readonly last: number }>;
}

export interface WatcherHost {
  readonly log: EventLog;
  /** The line that tells of the changes; empty if there is nothing to tell. */
  readonly textOf: (changes: ReadonlyMap<string, Change>) => string;
}

const NO_TURN: Turn = { changes: new Map(), made: new Map() };

/**
 * One client of `/events`: a place in the log, and the changes that it has not been told. What it is sent is taken when it has
 * room for it, so one that reads slowly costs no memory, and finds holes in the numbers once the log has gone on without it.
 */
export class Watcher {
  readonly #socket: ClientSocket;
  readonly #request: WatchRequest;
  readonly #host: WatcherHost;
  /** Changes that there was no room for. */
  readonly #untold = new Map<string, Change>();
  #after: number;

  constructor(socket: ClientSocket, request: WatchRequest, host: WatcherHost) {
    this.#socket = socket;
    this.#request = request;
    this.#host = host;
    this.#after = request.after;
    socket.onRead(() => {
      this.pump(NO_TURN);
    });
  }

  /** Sends what there is room for. */
  pump(turn: Turn): void {
    const { room } = this.#socket;
    if (room > 0) {
      this.#sendEvents(room, turn);
      if (this.#untold.size === 0 && turn.changes.size > 0) {
        this.#sendChanges(turn);
        return;
      }
    }
    this.#note(turn.changes);
    if (room <= 0 || this.#untold.size === 0) return;
    const text = this.#host.textOf(this.#untold);
    this.#untold.clear();
    this.#socket.send(text);
  }

  #sendEvents(room: number, { made }: Turn): void {
    const { log } = this.#host;
    if (this.#after >= log.last) return;
    const { view } = this.#request;
    const key = `events ${this.#after} ${view.key}`;
    let batch = made.get(key);
    if (!batch) {
      const { lines, last } = log.after(this.#after, room, view.shows);
      batch = { bytes: Buffer.concat(lines), last };
      made.set(key, batch);
    }
    this.#after = batch.last;
    this.#socket.send(batch.bytes);
  }

  #sendChanges({ changes, made }: Turn): void {
    const { view } = this.#request;
    const key = `changes ${view.key}`;
    let batch = made.get(key);
    if (!batch) {
      const seen = new Map([...changes].filter(([name]) => view.shows(name)));
      batch = { bytes: Buffer.from(this.#host.textOf(seen)), last: 0 };
      made.set(key, batch);
    }
    this.#socket.send(batch.bytes);
  }

  #note(changes: ReadonlyMap<string, Change>): void {
    for (const [name, change] of changes) {
      if (!this.#request.view.shows(name)) continue;
      const untold = this.#untold.get(name);
      if (untold === 'added' && change === 'removed') this.#untold.delete(name);
      else if (untold === 'removed' && change === 'added') this.#untold.set(name, 'changed');
      else if (untold !== 'added' || change !== 'changed') this.#untold.set(name, change);
    }
  }
}
