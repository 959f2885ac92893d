import { ExecInterruptedError, StateError } from '../protocol/errors.js';
import type { MigrationCapability } from '../protocol/qapi/types.js';
import type { QmpClient } from '../client/qmp-client.js';

/** Capabilities of a migration by name, and whether each is on: `{ 'auto-converge': true }`. */
export type Capabilities = Readonly<Partial<Record<MigrationCapability, boolean>>>;

/** In milliseconds. No event tells all that is waited for here, and none of it takes long. */
const ASK_AGAIN = 50;

/**
 * Sets capabilities that are not so yet. The function returned puts them back, once no migration is under way on that side: a QEMU
 * whose capabilities change while a VM comes in loses it.
 */
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
  const putBack = async (): Promise<boolean> => {
    const { status = 'none' } = await client.execute('query-migrate');
    if (!IDLE.includes(status)) return false;
    await set(changed.map(({ capability, state }) => ({ capability: capability as MigrationCapability, state })));
    return true;
  };
  return async () => {
    if (changed.length === 0 || (await putBack())) return;
    // Cancelled, it takes a while to end; nobody is to wait for that.
    void soon(putBack).catch(() => undefined);
  };
}

/** No VM is on its way; `setup` at a destination that nobody has reached yet. */
const IDLE: readonly string[] = ['none', 'setup', 'completed', 'failed', 'cancelled'];

async function soon(isDone: () => Promise<boolean>): Promise<void> {
  for (let tried = 0; tried < 200; tried += 1) {
    await later(ASK_AGAIN);
    if (await isDone()) return;
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
