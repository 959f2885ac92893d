import { interval, Observable, type Subscriber } from 'rxjs';
import { checkTimeout } from '../foundation/checks.js';
import { DisconnectedError, ExecInterruptedError, MigrationError, StateError } from '../protocol/errors.js';
import type {
  MigrateArguments,
  MigrateSetParametersArguments,
  MigrationInfo,
  MigrationStatus,
  Open,
} from '../protocol/qapi/types.js';
import type { QmpClient } from '../client/qmp-client.js';
import { oneAtATime } from './one-at-a-time.js';
import { Arrival, setCapabilities, type Capabilities } from './migration-ends.js';

/** How far a migration is. */
export interface MigrationProgress {
  /** The status of the migration, in QEMU's word. */
  readonly status: Open<MigrationStatus>;
  /** The guest's memory, in bytes: what was sent, what is left, and all of it. Absent until it flows. */
  readonly ram?: { readonly transferred: number; readonly remaining: number; readonly total: number };
  /** Milliseconds since the start. */
  readonly totalTime?: number;
  /** Milliseconds that the VM stood still; known at the end, guessed before. */
  readonly downtime?: number;
}

/** Where a VM migrates to, and how. */
export interface MigrateOptions extends Pick<MigrateArguments, 'uri' | 'channels'> {
  /** Set before and put back when the migration is over, on both sides; `events` always is. */
  readonly capabilities?: Capabilities;
  /** Set before, on the source. */
  readonly parameters?: MigrateSetParametersArguments;
  /** The QEMU that waits for the VM, started with `-incoming defer`; without it that side is up to the caller. */
  readonly destination?: QmpClient;
  /** Milliseconds between two questions for the progress. @default 500 */
  readonly pollInterval?: number;
}

/**
 * Migrates the VM and emits its progress, on each change of the status and while memory flows. Completes when the migration has,
 * and with a `destination` when the VM runs there, or stands still, as it did at the source. Fails with `MigrationError`, in
 * QEMU's own words, when it failed or was cancelled: the VM is where it was then.
 *
 * Cold: each subscription starts a migration. Unsubscribing cancels it, unless the VM runs at the destination already
 * (`postcopy-…`). `postcopy-paused` is a status like others: recover it by `migrate-recover`, and the task goes on.
 *
 * ```ts
 * migrate(source, { uri: 'tcp:10.0.0.2:4444', destination }).subscribe(({ status, ram }) => console.log(status, ram?.remaining));
 * ```
 */
export function migrate(client: QmpClient, options: MigrateOptions): Observable<MigrationProgress> {
  const { pollInterval = 500, uri, channels } = options;
  if ((uri === undefined) === (channels === undefined)) throw new TypeError('migrate needs a uri or channels');
  checkTimeout('pollInterval', pollInterval);
  return new Observable((subscriber) => {
    const migration = new Migration(client, options, subscriber);
    migration.run().catch((error: unknown) => {
      migration.fail(error);
    });
    if (pollInterval < Infinity) subscriber.add(interval(pollInterval).subscribe(migration.look));
    subscriber.add(() => {
      migration.leave();
    });
  });
}

const FAILURES: readonly string[] = ['failed', 'cancelled'];

class Migration {
  readonly #client: QmpClient;
  readonly #options: MigrateOptions;
  readonly #subscriber: Subscriber<MigrationProgress>;
  /** What puts the capabilities back. */
  readonly #restore: (() => Promise<unknown>)[] = [];
  #arrival: Arrival | undefined;
  /** A status is of this migration from when `migrate` was sent, unless it is refused; else of an earlier one. */
  #sent = false;
  #ended = false;
  #shown = '';
  #status = '';

  readonly look: () => void = oneAtATime(() => this.#ask());

  constructor(client: QmpClient, options: MigrateOptions, subscriber: Subscriber<MigrationProgress>) {
    this.#client = client;
    this.#options = options;
    this.#subscriber = subscriber;
  }

  async run(): Promise<void> {
    const { capabilities, parameters, destination, uri, channels } = this.#options;
    const address = { ...(uri !== undefined && { uri }), ...(channels !== undefined && { channels }) };
    for (const side of destination ? [this.#client, destination] : [this.#client]) {
      const restore = await setCapabilities(side, { ...capabilities, events: true });
      if (this.#hasEnded()) {
        await restore();
        return;
      }
      this.#restore.push(restore);
    }
    if (parameters) await this.#client.execute('migrate-set-parameters', parameters);
    if (this.#hasEnded()) return;
    if (destination) {
      const { running } = await this.#client.execute('query-status');
      this.#arrival = new Arrival(destination, running);
      await destination.execute('migrate-incoming', address);
    }
    if (this.#hasEnded()) return;
    this.#watch();
    try {
      this.#sent = true;
      await this.#client.execute('migrate', address);
    } catch (error) {
      // The session was lost meanwhile: whether it has begun is told by the next one.
      if (!(error instanceof ExecInterruptedError) || this.#client.state.phase === 'closed') {
        this.#sent = false;
        throw error;
      }
    }
    this.look();
  }

  fail(error: unknown): void {
    void this.#end(() => {
      this.#subscriber.error(error);
    });
  }

  /** Nobody watches any more. */
  leave(): void {
    const isElsewhere = this.#status.startsWith('postcopy');
    if (this.#ended) return;
    const end = async (): Promise<void> => {
      if (this.#sent && !isElsewhere) await this.#client.execute('migrate_cancel');
    };
    const restore = (): Promise<void> => this.#end(() => undefined);
    void end().then(restore, restore);
  }

  #isOurs(): boolean {
    return this.#sent && !this.#hasEnded();
  }

  #hasEnded(): boolean {
    return this.#ended || this.#subscriber.closed;
  }

  #watch(): void {
    const { name } = this.#client;
    this.#subscriber.add(
      this.#client.observe('MIGRATION').subscribe({
        next: this.look,
        error: (error: unknown) => {
          this.fail(error);
        },
        complete: () => {
          this.fail(new DisconnectedError(`${name}: the session ended before the migration did`));
        },
      }),
    );
    this.#subscriber.add(
      this.#client.state$.subscribe(() => {
        this.look();
      }),
    );
  }

  async #ask(): Promise<void> {
    if (!this.#isOurs() || this.#client.state.phase !== 'ready') return;
    try {
      const info = await this.#client.execute('query-migrate');
      // The refusal of `migrate` may have come right before the answer.
      if (!this.#isOurs()) return;
      this.#show(info);
      await this.#act(info);
    } catch (error) {
      // The session broke: the next one is asked again, and without one the events tell the loss.
      if (!(error instanceof ExecInterruptedError || error instanceof StateError)) this.fail(error);
    }
  }

  #show({ status = 'none', ram, downtime, ...more }: MigrationInfo): void {
    const standstill = downtime ?? more['expected-downtime'];
    const totalTime = more['total-time'];
    const progress: MigrationProgress = {
      status,
      ...(ram && { ram: { transferred: ram.transferred, remaining: ram.remaining, total: ram.total } }),
      ...(totalTime !== undefined && { totalTime }),
      ...(standstill !== undefined && { downtime: standstill }),
    };
    // Time alone is no progress.
    const text = `${status} ${progress.ram?.transferred} ${progress.ram?.remaining}`;
    this.#status = status;
    if (text === this.#shown) return;
    this.#shown = text;
    this.#subscriber.next(progress);
  }

  async #act({ status = 'none', 'error-desc': desc }: MigrationInfo): Promise<void> {
    if (FAILURES.includes(status)) {
      const words = desc ?? (status === 'cancelled' ? 'it was cancelled' : 'QEMU does not say why');
      this.fail(new MigrationError(`${this.#client.name}: migration ${status}: ${words}`, { status, desc: words }));
    } else if (status === 'completed') {
      try {
        await this.#arrival?.wait(() => this.#hasEnded());
      } catch (error) {
        this.fail(error);
      }
      await this.#end(() => {
        this.#subscriber.complete();
      });
    }
  }

  /** Puts the capabilities back, then tells. A side that is gone or that refuses has none to put back. */
  async #end(tell: () => void): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await Promise.allSettled(this.#restore.map((restore) => restore()));
    tell();
  }
}
