import { untracked, type DestroyRef } from '@angular/core';
import type { QmpClient } from '../client/qmp-client.js';
import { StateError } from '../protocol/errors.js';

interface Shared {
  readonly client: QmpClient;
  users: number;
}

/** Clients by the names of their VMs, each shared by those who use the same VM, and closed after the last of them. */
export class SharedClients {
  readonly #open: (name: string) => QmpClient;
  readonly #shared = new Map<string, Shared>();

  constructor(open: (name: string) => QmpClient) {
    this.#open = open;
  }

  /**
   * Gives the client of a VM, and gives it back when `destroyRef` is destroyed.
   *
   * @param what is destroyed then, for the error of who asks later
   */
  heldBy(destroyRef: DestroyRef, what: string): (name: string) => QmpClient {
    const held = new Map<string, QmpClient>();
    let destroyed = false;
    destroyRef.onDestroy(() => {
      destroyed = true;
      for (const name of held.keys()) this.#release(name);
    });
    return (name) => {
      const known = held.get(name);
      if (known) return known;
      if (destroyed) throw new StateError(`${name}: what injected the ${what} is destroyed`);
      const client = untracked(() => this.#acquire(name));
      held.set(name, client);
      return client;
    };
  }

  async close(): Promise<void> {
    const clients = [...this.#shared.values()];
    this.#shared.clear();
    await Promise.all(clients.map(({ client }) => client.close()));
  }

  #acquire(name: string): QmpClient {
    const shared = this.#shared.get(name) ?? { client: this.#open(name), users: 0 };
    this.#shared.set(name, shared);
    shared.users += 1;
    return shared.client;
  }

  #release(name: string): void {
    const shared = this.#shared.get(name);
    if (!shared) return;
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#shared.delete(name);
    void shared.client.close();
  }
}
