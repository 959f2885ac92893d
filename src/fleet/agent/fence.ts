import type { NatsStatus } from '../nats-status.js';
import { BEATS } from '../wire.js';
import type { Lease } from './lease.js';

/** Between tries to renew the claim while it is silent. */
const RENEW_AGAIN = 500;

/** Milliseconds without an answer that a busy machine may be the reason of, however short its beats are. */
const AT_LEAST = 3_000;

export interface FenceHost {
  /** Nothing may be published from now on. */
  silenced(why: string): void;
  /** The claim had run out and was made again: a new epoch has begun. Told before {@link speaks}, where it is silent. */
  claimed(): void;
  /** It may publish again. */
  speaks(): void;
  /** Another agent serves the host. Nothing more is told. */
  lost(): void;
}

/**
 * Whether an agent may speak for its host. After a reconnect, and where the server has answered nothing for as long as a claim
 * holds, another may have taken the host over: then it is silent until it has connected again and its claim is renewed.
 */
export class Fence {
  readonly #status: NatsStatus;
  readonly #lease: Lease;
  readonly #every: number;
  readonly #host: FenceHost;
  #raised = false;
  #closed = false;
  #reclaiming = false;
  /** When the server was last asked something that it has answered. */
  #answeredAt: number = performance.now();
  /** Connections lost. A renewal from before the last loss says nothing. */
  #disconnects = 0;

  constructor(status: NatsStatus, lease: Lease, every: number, host: FenceHost) {
    this.#status = status;
    this.#lease = lease;
    this.#every = every;
    this.#host = host;
    status.watch({
      disconnected: () => {
        this.#disconnects += 1;
        this.#raise('the connection to NATS is lost');
      },
      reconnected: () => void this.#reclaim(),
    });
  }

  /** Connections lost so far. */
  get lost(): number {
    return this.#disconnects;
  }

  get speaking(): boolean {
    return !this.#raised && this.#status.connected;
  }

  /** Each beat. */
  async renew(): Promise<void> {
    if (!this.speaking || this.#closed) return;
    const silence = performance.now() - this.#answeredAt;
    if (silence >= Math.max(BEATS * this.#every, AT_LEAST)) {
      this.#raise(`NATS has not answered for ${Math.round(silence)} ms`);
      // Another server may be reached; the NATS client itself would notice after minutes.
      await this.#status.nats.reconnect();
      return;
    }
    this.#ping();
    const renewal = await this.#lease.renew();
    if (this.#isSilenced()) return;
    if (renewal === 'claimed') this.#host.claimed();
    else if (renewal === 'lost') this.#host.lost();
  }

  /** For good. */
  close(): void {
    this.#closed = true;
    this.#raised = true;
  }

  /** Not by the claim: JetStream may be without a leader or without room, and then nobody else can claim the host. */
  #ping(): void {
    const asked = performance.now();
    this.#status.nats.flush().then(
      () => {
        this.#answeredAt = asked;
      },
      () => undefined, // disconnected
    );
  }

  #raise(why: string): void {
    if (this.#raised) return;
    this.#raised = true;
    this.#host.silenced(why);
  }

  async #reclaim(): Promise<void> {
    if (this.#reclaiming) return;
    this.#reclaiming = true;
    try {
      while (!this.#closed && this.#status.connected) {
        const disconnects = this.#disconnects;
        const renewal = await this.#lease.renew();
        if (this.#isClosed()) return;
        if (renewal === 'claimed') this.#host.claimed();
        if (renewal === 'lost') {
          this.#host.lost();
          return;
        }
        if (renewal !== 'unknown' && disconnects === this.#disconnects) {
          this.#raised = false;
          this.#answeredAt = performance.now();
          this.#host.speaks();
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RENEW_AGAIN));
      }
    } finally {
      this.#reclaiming = false;
    }
  }

  /** It may be while a renewal is awaited, as the next. */
  #isSilenced(): boolean {
    return this.#raised;
  }

  #isClosed(): boolean {
    return this.#closed;
  }
}
