import type { ClientSocket } from './client-socket.js';
import type { HubLimits } from './options.js';
import type { Visitor } from './visitor.js';

/** Places that viewers cannot take. */
const KEPT_FOR_OPERATORS = 10;
/** Milliseconds between two looks at all clients. */
const LOOK_INTERVAL = 1_000;
/** Milliseconds that a client may be told to go before the hub closes without it. */
const CLOSE_GRACE = 500;

/** The WebSockets of all clients, and what they hold of the hub's memory together. */
export class Clients {
  readonly #limits: HubLimits;
  readonly #clients = new Map<ClientSocket, Visitor>();
  /** Set while there are clients. */
  #timer: NodeJS.Timeout | undefined;
  #weight = 0;

  constructor(limits: HubLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Who they are. */
  get visitors(): ReadonlyMap<ClientSocket, Visitor> {
    return this.#clients;
  }

  /** Why there is no place for one more, if so. */
  fullFor({ id, rights: { role } }: Visitor): string | undefined {
    const { clients, clientsPerToken } = this.#limits;
    const kept = role === 'operator' ? 0 : Math.min(KEPT_FOR_OPERATORS, clients >> 1);
    if (this.#clients.size >= clients - kept) return 'too many clients';
    let ofToken = 0;
    for (const visitor of this.#clients.values()) if (visitor.id === id) ofToken += 1;
    return ofToken >= clientsPerToken ? 'too many clients of this token' : undefined;
  }

  /** Bytes of memory that they take: what they have not read, and their commands without an answer. */
  get weight(): number {
    return this.#weight;
  }

  add(client: ClientSocket, visitor: Visitor): void {
    this.#clients.set(client, visitor);
    this.#timer ??= setInterval(() => {
      for (const one of this.#clients.keys()) one.look();
    }, LOOK_INTERVAL);
    void client.closed.then(() => {
      this.#clients.delete(client);
      if (this.#clients.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
  }

  /** A client takes so many bytes more, or less. If it is too much in sum, those furthest behind go. */
  tally(bytes: number): void {
    this.#weight += bytes;
    while (this.#weight > this.#limits.totalUnreadBytes) {
      let furthest: ClientSocket | undefined;
      for (const client of this.#clients.keys()) if (client.weight > (furthest?.weight ?? 0)) furthest = client;
      if (!furthest) return;
      furthest.drop(`${furthest.weight} of ${this.#weight} bytes that are kept for all clients are its own`);
    }
  }

  /** Tells the clients, and waits a moment for them to hear it. */
  async close(): Promise<void> {
    const clients = [...this.#clients.keys()];
    for (const client of clients) client.close(1001, 'the hub closes');
    const timer = setTimeout(() => {
      for (const client of clients) client.terminate();
    }, CLOSE_GRACE);
    await Promise.all(clients.map((client) => client.closed));
    clearTimeout(timer);
  }
}
