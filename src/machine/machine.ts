/// <reference lib="esnext.disposable" preserve="true" />
import { filter, firstValueFrom } from 'rxjs';
import type { QmpClient } from '../client/qmp-client.js';
import { checkTimeout } from '../foundation/checks.js';
import { disposeBy } from '../foundation/disposal.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';
import type { ProcessEnd } from './launch-error.js';
import type { QemuProcess } from './qemu-process.js';
import type { SerialConsole } from './serial-console.js';
import { shutdown } from '../tasks/shutdown.js';
import { within } from './within.js';

/** How a VM ended: its guest shut down, QEMU was told to `quit`, or a signal killed it. */
export type StopResult = 'guest' | 'quit' | 'killed';

/** How much time a VM gets to end by itself. */
export interface StopOptions {
  /** Milliseconds that the guest gets to shut down; 0 does not ask it. @default the `grace` of `launch()` */
  readonly grace?: number;
}

/** Milliseconds that QEMU gets after `quit`. */
const QUIT_PATIENCE = 5_000;
/** Milliseconds that QEMU gets after SIGTERM, which lets it flush its disks. */
const TERM_PATIENCE = 2_000;
/** Milliseconds that what QEMU sent last may still be on its way once it has ended. */
const LAST_WORDS = 1_000;

export interface MachineParts {
  readonly process: QemuProcess;
  readonly client: QmpClient;
  readonly console: SerialConsole | undefined;
  readonly guest: QmpClient<GuestCommandMap> | undefined;
  readonly grace: number;
}

/** A QEMU that this program has launched. It ends with {@link stop}, with `await using`, by itself, or with the program. */
export class Machine implements AsyncDisposable {
  /** The connected client of its monitor. It closes when QEMU ends, and cannot connect again after `disconnect()`. */
  readonly client: QmpClient;
  /** The first serial port, if `console` was asked for. */
  readonly console: SerialConsole | undefined;
  /**
   * The guest's agent, if `guestAgent` was asked for. Not connected yet: `await vm.guest.connect()` resolves when the agent
   * answers, however long the guest takes to start, and again after each of its restarts.
   */
  readonly guest: QmpClient<GuestCommandMap> | undefined;
  /** The number of QEMU's process. */
  readonly pid: number;
  /** Resolves when QEMU has ended, whoever ended it; never rejects. */
  readonly exited: Promise<ProcessEnd>;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  readonly #process: QemuProcess;
  readonly #grace: number;
  readonly #ended: Promise<StopResult>;
  #signalled = false;
  #guestHasEnded = false;
  #stopping: Promise<StopResult> | undefined;

  /** @internal */
  constructor({ process, client, console, guest, grace }: MachineParts) {
    this.#process = process;
    this.client = client;
    this.console = console;
    this.guest = guest;
    this.pid = process.pid ?? 0;
    this.exited = process.exited;
    this.#grace = grace;
    this.#ended = this.#watchEnd();
  }

  /**
   * Ends the VM: asks the guest to shut down, then QEMU to `quit`, then sends SIGTERM and at last SIGKILL. Resolves, once QEMU
   * has ended, with who ended it. A second call joins the first.
   */
  stop({ grace = this.#grace }: StopOptions = {}): Promise<StopResult> {
    checkTimeout('grace', grace);
    return (this.#stopping ??= this.#stop(grace));
  }

  async #stop(grace: number): Promise<StopResult> {
    const { client, exited } = this;
    // Without a session there is nobody to ask.
    if (client.greeting) {
      if (grace > 0) await this.#askGuest(grace);
      // With `-no-shutdown` QEMU stays when the guest is gone. Refused or not: what counts is whether QEMU ends.
      client.execute('quit').catch(() => undefined);
      if (await within(QUIT_PATIENCE, exited)) return this.#ended;
    }
    if (this.#process.hasEnded) return this.#ended;
    this.#signalled = true;
    this.#process.kill('SIGTERM');
    if (!(await within(TERM_PATIENCE, exited))) this.#process.kill('SIGKILL');
    return this.#ended;
  }

  async #askGuest(grace: number): Promise<void> {
    const givenUp = new AbortController();
    const asked = shutdown(this.client, { grace, then: 'fail', signal: givenUp.signal }).then((how) => {
      this.#guestHasEnded = how === 'guest';
    });
    // A QEMU that hangs does not answer, either.
    await within(grace, Promise.race([this.exited, asked]));
    givenUp.abort();
    await asked.catch(() => undefined);
  }

  /** Waits for the end, whoever causes it, and closes what led to QEMU. */
  async #watchEnd(): Promise<StopResult> {
    const { client } = this;
    const { code } = await this.exited;
    await this.guest?.close();
    const sessionEnded = firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'closed')));
    await within(LAST_WORDS, sessionEnded);
    const last = client.state.phase === 'closed' ? client.state.shutdown : undefined;
    await client.close();
    if (this.#signalled || code !== 0 || last?.reason === 'host-signal') return 'killed';
    return this.#guestHasEnded || last?.guest ? 'guest' : 'quit';
  }

  static {
    disposeBy(this, 'stop', 'asyncDispose');
  }
}
