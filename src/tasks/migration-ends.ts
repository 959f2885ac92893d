import { ExecInterruptedError, StateError } from '../protocol/errors.js';
import type { MigrationCapability } from '../protocol/qapi/types.js';
import type { QmpClient } from '../client/qmp-client.js';

/** Capabilities of a migration by name, and whether each is on: `{ 'auto-converge': true }`. */
export type Capabilities = Readonly<Partial<Record<MigrationCapability, boolean>>>;

/** In milliseconds. No event tells all that is waited for here, and none of it takes long. */
const ASK_AGAIN = 50;

/** Sets capabilities that are not so yet. The function returned puts them back. */
export async function setCapabilities(client: QmpClient, wanted: Capabilities): Promise<() => Promise<unknown>> {
  const present = await client.execute('query-migrate-capabilities');
  const asked = new Map<string, boolean>(Object.entries(wanted));
  const changed = present.filter(({ capability, state }) => (asked.get(capability) ?? state) !== state);
  const known = present.map(({ capability }) => capability);
  // One that this QEMU does not know is sent too: its error says so.
  const unknown = (Object.keys(wanted) as MigrationCapability[]).filter((name) => !known.includes(name));
  const set = (capabilities: { capability: MigrationCapability; state: boolean }[]): Promise<unknown> =>
    capabilities.length > 0 ? client.execute('migrate-set-capabilities', { capabilities }) : Promise.resolve();
  await set([
    ...changed.map(({ capability, state }) => ({ capability: capability as MigrationCapability, state: !state })),
    ...unknown.map((capability) => ({ capability, state: wanted[capability] ?? false })),
  ]);
  return () => set(changed.map(({ capability, state }) => ({ capability: capability as MigrationCapability, state })));
}

/** Resolves when a migration that is being cancelled is over: before that no capability can be set. */
export async function untilEnded(client: QmpClient): Promise<void> {
  for (let asked = 0; asked < 200; asked += 1) {
    const { status } = await client.execute('query-migrate');
    if (status !== 'cancelling' && status !== 'active' && status !== 'setup') return;
    await later(ASK_AGAIN);
  }
}

/** The VM's arrival at the destination, which follows its end at the source. */
export class Arrival {
  readonly #client: QmpClient;
  readonly #runs: boolean;

  /** @param runs whether the VM ran at the source, and is to run here */
  constructor(client: QmpClient, runs: boolean) {
    this.#client = client;
    this.#runs = runs;
  }

  /** Resolves when the VM is here and runs as it did; rejects when this side's session ends and there is no next one. */
  async wait(hasLeft: () => boolean): Promise<void> {
    while (!hasLeft() && !(await this.#isHere())) await later(ASK_AGAIN);
  }

  async #isHere(): Promise<boolean> {
    try {
      const { status, running } = await this.#client.execute('query-status');
      if (status === 'inmigrate') return false;
      if (running === this.#runs) return true;
      // Started with -S: it has arrived and waits.
      if (this.#runs) await this.#client.execute('cont');
      return false;
    } catch (error) {
      const isBetween = error instanceof ExecInterruptedError || error instanceof StateError;
      if (isBetween && this.#client.state.phase !== 'closed') return false;
      throw error;
    }
  }
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
