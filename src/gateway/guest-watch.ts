import { isIP } from 'node:net';
import { QmpClient } from '../client/qmp-client.js';
import type { Logger } from '../foundation/logger.js';
import { guestAddresses } from '../guest/guest-addresses.js';
import { guestAgent } from '../guest/guest-agent.js';
import type { QmpEvent } from '../protocol/message.js';
import type { Connector } from '../transport/connection.js';

/** Milliseconds from one answer, or silence, to the next question. */
const INTERVAL = 60_000;
/** Milliseconds for the agent to answer. */
const PATIENCE = 10_000;
/** A guest says what it likes: so much is heard, */
const ANSWER_BYTES = 1024 * 1024;
/** and so many addresses are believed. */
const MOST = 32;

/**
 * Asks a guest agent for the guest's addresses: when the session to QEMU begins, when the guest opens a port, and each minute.
 * Between two questions the agent's line is free for others, since a chardev takes one client at a time.
 */
export class GuestWatch {
  readonly #name: string;
  readonly #connector: Connector<object>;
  readonly #tell: () => void;
  readonly #logger: Logger | undefined;
  #addresses: readonly string[] | undefined;
  #reason: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Aborts at the end of the session to QEMU. */
  #session: AbortController | undefined;
  #asking = false;
  #askAgain = false;

  /** @param connector to the chardev of the agent's port, @param tell is called when {@link addresses} has changed */
  constructor(name: string, connector: Connector<object>, tell: () => void, logger: Logger | undefined) {
    this.#name = name;
    this.#connector = connector;
    this.#tell = tell;
    this.#logger = logger;
  }

  /** As the agent said when it was last asked; undefined if it said nothing then. */
  get addresses(): readonly string[] | undefined {
    return this.#addresses;
  }

  /** A session to QEMU has begun. */
  begin(): void {
    this.#session?.abort();
    this.#session = new AbortController();
    this.#soon();
  }

  /** The session has ended, and the guest perhaps with it. */
  end(): void {
    clearTimeout(this.#timer);
    this.#session?.abort(new Error('the session to QEMU has ended'));
    this.#session = undefined;
    this.#addresses = undefined;
  }

  /** An agent that begins opens its port. */
  heard({ event, data }: QmpEvent): void {
    if (event === 'VSERPORT_CHANGE' && (data as { open?: unknown } | undefined)?.open === true) this.#soon();
  }

  #soon(): void {
    this.#askAgain = true;
    if (!this.#asking) void this.#askUntilQuiet();
  }

  async #askUntilQuiet(): Promise<void> {
    this.#asking = true;
    while (this.#askAgain && this.#session) {
      this.#askAgain = false;
      clearTimeout(this.#timer);
      const { signal } = this.#session;
      const addresses = await this.#ask(signal);
      if (!signal.aborted) this.#learn(addresses);
    }
    this.#asking = false;
    if (!this.#session) return;
    this.#timer = setTimeout(() => {
      this.#soon();
    }, INTERVAL);
  }

  /** Undefined where nothing is known. */
  async #ask(signal: AbortSignal): Promise<readonly string[] | undefined> {
    const agent = new QmpClient(guestAgent(this.#connector), {
      name: `the agent of ${this.#name}`,
      connectTimeout: PATIENCE,
      maxMessageBytes: ANSWER_BYTES,
      events: { queueLimit: 0, historyLimit: 0 },
    });
    try {
      await agent.connect({ signal });
      const found = await guestAddresses(agent, { signal, timeout: PATIENCE });
      this.#reason = undefined;
      return [...new Set(found.map(({ address }) => address).filter((address) => isIP(address)))].slice(0, MOST);
    } catch (error) {
      const { message } = error as Error;
      if (!signal.aborted && message !== this.#reason) this.#logger?.debug(`${this.#name}: no addresses: ${message}`);
      this.#reason = message;
      return undefined;
    } finally {
      await agent.close();
    }
  }

  #learn(addresses: readonly string[] | undefined): void {
    if (JSON.stringify(addresses) === JSON.stringify(this.#addresses)) return;
    this.#addresses = addresses;
    this.#tell();
  }
}
