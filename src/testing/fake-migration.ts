import type { CommandMap } from '../protocol/qapi/command-map.js';
import { genericError } from '../protocol/command-error.js';
import type { JobHost } from './fake-job.js';
import type { Replies } from './reply.js';

/** What `query-migrate` returns. */
export type MigrationInfo = CommandMap['query-migrate']['result'];
/** A status of a migration: `active`, `completed`, `failed`, … */
export type FakeMigrationStatus = NonNullable<MigrationInfo['status']>;

const AT_WORK: readonly string[] = ['setup', 'active', 'cancelling', 'postcopy-active', 'postcopy-paused'];

/** The migration of a {@link FakeQemu}: set up by `migrate`, then active, and so on as you tell it. */
export class FakeMigration {
  readonly #emit: JobHost['emit'];
  readonly #onMoved: () => void;
  /** Without the capability `events` QEMU sends none. */
  readonly #capabilities = new Map([
    ['xbzrle', false],
    ['events', false],
    ['postcopy-ram', false],
  ]);
  #info: MigrationInfo = {};
  #unreachable: string | undefined;

  /** Made by the FakeQemu. */
  constructor(emit: JobHost['emit'], onMoved: () => void) {
    this.#emit = emit;
    this.#onMoved = onMoved;
  }

  /** The status of the migration; `undefined` before the first. */
  get status(): MigrationInfo['status'] {
    return this.#info.status;
  }

  /** Sets the progress that `query-migrate` tells. QEMU emits no event for it. */
  progress(transferred: number, remaining: number, total: number): void {
    const ram = { transferred, remaining, total } as MigrationInfo['ram'];
    this.#info = { ...this.#info, ...(ram && { ram }) };
  }

  /** Enters a status, such as `postcopy-paused`, that `migrate` alone does not lead to. */
  reach(status: FakeMigrationStatus): void {
    this.#info = { ...this.#info, status };
    if (this.#capabilities.get('events')) this.#emit('MIGRATION', { status });
  }

  /** Completes the migration: the VM has moved, and its run state here is `postmigrate`. */
  complete(downtime = 4): void {
    this.#emit('STOP');
    this.#onMoved();
    this.#info = { ...this.#info, downtime };
    this.reach('completed');
  }

  /** The migration fails. @param desc QEMU's words */
  fail(desc: string): void {
    this.#info = { 'error-desc': desc };
    this.reach('failed');
  }

  /** The next `migrate` reaches nobody: it is answered as always, and has failed then. @param desc QEMU's words */
  reachNobody(desc = "Failed to connect to '/no/such/socket': No such file or directory"): void {
    this.#unreachable = desc;
  }

  /** How its commands are answered. */
  get replies(): Replies {
    return {
      'query-migrate': () => this.#info,
      'query-migrate-capabilities': () => [...this.#capabilities].map(([capability, state]) => ({ capability, state })),
      'migrate-set-capabilities': ({ capabilities }) => {
        this.#checkIdle();
        for (const { capability, state } of capabilities) this.#capabilities.set(capability, state);
      },
      'migrate-set-parameters': () => undefined,
      migrate: (_args, hooks) => {
        this.#checkIdle();
        this.#info = {};
        this.reach('setup');
        const unreachable = this.#unreachable;
        this.#unreachable = undefined;
        hooks.afterReply(() => {
          if (unreachable === undefined) this.reach('active');
          else this.fail(unreachable);
        });
      },
      migrate_cancel: (_args, hooks) => {
        if (!this.#isAtWork) return;
        this.reach('cancelling');
        hooks.afterReply(() => {
          this.#info = {};
          this.reach('cancelled');
        });
      },
    };
  }

  get #isAtWork(): boolean {
    return AT_WORK.includes(this.#info.status ?? 'none');
  }

  #checkIdle(): void {
    if (this.#isAtWork) throw genericError("There's a migration process in progress");
  }
}
