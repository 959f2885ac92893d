import { headers, type Msg, type NatsConnection, type Subscription } from '@nats-io/nats-core';
import { Ring } from '../../foundation/ring.js';
import type { Logger } from '../../foundation/logger.js';
import { ID_HEADER } from '../numbers.js';
import { inboxOf } from '../inbox.js';
import { readObject } from '../wire.js';

/** Messages in flight, one of each VM. */
const IN_FLIGHT = 256;
/** Milliseconds until a message without an answer is sent again. */
const ACK_WAIT = 3_000;
/** The same after an answer that it was not stored: there is no leader, or no room. */
const RETRY = 250;
const TICK = 100;
/** The server's code for a message that it will never store. */
const TOO_LARGE = 10054;
/** Milliseconds between warnings of the same kind. */
const WARN_INTERVAL = 60_000;
/** Milliseconds without anything stored until that is worth a warning: an election takes 5 s. */
const STALLED = 10_000;

export interface LogLimits {
  readonly bufferEvents: number;
  readonly bufferBytes: number;
}

interface Item {
  readonly subject: string;
  readonly id: string;
  readonly text: string;
}

/** What of one VM is not stored yet, in its order. */
export class LogQueue {
  readonly items: Ring<Item> = new Ring<Item>(Infinity);
  flying: { readonly item: Item; readonly again: boolean; slot: string; resendAt: number } | undefined;
}

/**
 * The durable copy of the events. One message of a VM is in flight at a time, which keeps its order, and is sent again until
 * the server says that it is stored, which drops what it has stored already. Live readers never wait for it.
 */
export class Log {
  readonly #nats: NatsConnection;
  readonly #limits: LogLimits;
  readonly #logger: Logger | undefined;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #flying = new Map<string, LogQueue>();
  /** Those that could send, were there room. */
  readonly #ready = new Set<LogQueue>();
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #slot = 0;
  #size = 0;
  #bytes = 0;
  #dropped = 0;
  #stored = 0;
  /** When something was stored last, or began to wait. */
  #movedAt = 0;
  /** What the server said when it last stored nothing. */
  #refusal = 'no answer';
  readonly #warnedAt = new Map<string, number>();

  constructor(nats: NatsConnection, limits: LogLimits, logger: Logger | undefined) {
    this.#nats = nats;
    this.#limits = limits;
    this.#logger = logger;
    this.#inbox = inboxOf(nats);
    this.#subscription = nats.subscribe(`${this.#inbox}.*`, {
      callback: (error, answer) => {
        if (!error) this.#answered(answer);
      },
    });
  }

  get stats(): { readonly waiting: number; readonly bytes: number; readonly dropped: number; readonly stored: number } {
    return { waiting: this.#size, bytes: this.#bytes, dropped: this.#dropped, stored: this.#stored };
  }

  add(queue: LogQueue, item: Item): void {
    queue.items.push(item);
    if (this.#size === 0) this.#movedAt = performance.now();
    this.#size += 1;
    this.#bytes += item.text.length;
    while (this.#size > this.#limits.bufferEvents || this.#bytes > this.#limits.bufferBytes) {
      if (!this.#dropOldest(queue)) break;
    }
    this.#pump(queue);
  }

  /** What is published while the connection is down would be lost. */
  pause(): void {
    this.#paused = true;
  }

  /** Sends all that is in flight again: nobody knows what of it arrived. */
  resume(): void {
    this.#paused = false;
    const now = performance.now();
    for (const queue of this.#flying.values()) if (queue.flying) queue.flying.resendAt = now;
    this.#tick();
  }

  /** Resolves when all is stored, or the signal aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#size > 0 && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, TICK / 2));
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#paused = true;
    this.#subscription.unsubscribe();
  }

  /** The hole in n tells the reader. False if there is nothing to drop but what is in flight. */
  #dropOldest(queue: LogQueue): boolean {
    const dropped = queue.items.shift();
    if (!dropped) return false;
    this.#dropped += 1;
    this.#forget(dropped);
    this.#warn(
      'full',
      `more than ${this.#limits.bufferEvents} events, or ${this.#limits.bufferBytes} bytes, wait for the log: the oldest are dropped`,
    );
    return true;
  }

  #pump(queue: LogQueue): void {
    while (!queue.flying && queue.items.size > 0) {
      if (this.#paused || this.#flying.size >= IN_FLIGHT) {
        this.#ready.add(queue);
        return;
      }
      const item = queue.items.shift();
      if (item) this.#send(queue, item);
    }
  }

  #send(queue: LogQueue, item: Item): void {
    const again = queue.flying !== undefined;
    if (queue.flying) this.#flying.delete(queue.flying.slot);
    const slot = String(++this.#slot);
    queue.flying = { item, again, slot, resendAt: performance.now() + ACK_WAIT };
    this.#flying.set(slot, queue);
    this.#timer ??= setInterval(() => {
      this.#tick();
    }, TICK);
    const header = headers();
    header.set(ID_HEADER, item.id);
    try {
      this.#nats.publish(item.subject, item.text, { headers: header, reply: `${this.#inbox}.${slot}` });
    } catch (error) {
      this.#giveUp(queue, (error as Error).message);
    }
  }

  /** Larger than a message may be, say: sent again and again, it would hold up all that comes after it. */
  #giveUp(queue: LogQueue, why: string): void {
    const { flying } = queue;
    if (!flying) return;
    this.#flying.delete(flying.slot);
    queue.flying = undefined;
    this.#dropped += 1;
    this.#forget(flying.item);
    this.#warn('refused', `an event of ${flying.item.text.length} characters is missing in the log: ${why}`);
  }

  #answered(answer: Msg): void {
    const slot = answer.subject.slice(this.#inbox.length + 1);
    const queue = this.#flying.get(slot);
    const flying = queue?.flying;
    if (!queue || !flying) return; // of one that was sent again meanwhile
    const ack = answer.data.length === 0 ? undefined : readObject(answer.string());
    // A refusal by the stream itself has a sequence, too: 0.
    if (!Number.isSafeInteger(ack?.['seq']) || ack?.['error'] !== undefined) {
      flying.resendAt = performance.now() + RETRY;
      const { err_code: code, description } = (ack?.['error'] ?? {}) as { err_code?: unknown; description?: unknown };
      this.#refusal = typeof description === 'string' ? description : 'no stream takes it, or it has no leader';
      // It has a leader, and that one refuses: there is no room, say.
      if (typeof description === 'string' && code !== TOO_LARGE) this.#tellStall();
      if (code !== TOO_LARGE) return;
      this.#giveUp(queue, this.#refusal);
      this.#pump(queue);
      return;
    }
    this.#movedAt = performance.now();
    this.#refusal = 'no answer';
    // What was sent once only cannot be there already.
    if (ack?.['duplicate'] === true && !flying.again) {
      this.#giveUp(queue, `somebody else has stored one as ${flying.item.id}`);
    } else {
      this.#flying.delete(slot);
      queue.flying = undefined;
      this.#stored += 1;
      this.#forget(flying.item);
    }
    this.#pump(queue);
    this.#next();
  }

  #next(): void {
    for (const queue of this.#ready) {
      if (this.#paused || this.#flying.size >= IN_FLIGHT) return;
      this.#ready.delete(queue);
      this.#pump(queue);
    }
  }

  #tick(): void {
    if (this.#paused) return;
    const now = performance.now();
    for (const queue of [...this.#flying.values()]) {
      if (queue.flying && queue.flying.resendAt <= now) this.#send(queue, queue.flying.item);
      this.#pump(queue);
    }
    this.#next();
    if (now - this.#movedAt > STALLED && this.#size > 0) this.#tellStall();
    if (this.#flying.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tellStall(): void {
    this.#warn('stalled', `${this.#size} events wait for the log, and the server stores none: ${this.#refusal}`);
  }

  #forget({ text }: Item): void {
    this.#size -= 1;
    this.#bytes -= text.length;
  }

  #warn(kind: 'full' | 'refused' | 'stalled', message: string): void {
    const now = performance.now();
    if (now - (this.#warnedAt.get(kind) ?? -Infinity) < WARN_INTERVAL) return;
    this.#warnedAt.set(kind, now);
    this.#logger?.warn(message);
  }
}
