import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Logger } from '../../foundation/logger.js';
import { escaped } from '../../foundation/text.js';
import { Ring } from '../../foundation/ring.js';
import type { Role } from '../../gateway/vm-info.js';

/** A command that somebody ran, or was refused; never its arguments. */
export interface AuditLine {
  /** In ISO 8601. */
  readonly time: string;
  readonly peer: string;
  /** The name of the token. */
  readonly token: string;
  readonly role: Role;
  readonly vm: string;
  readonly command: string;
  readonly oob: boolean;
  /** `unanswered`: the session ended, or the client left, before there was a reply; it may have run. */
  readonly outcome: 'done' | 'error' | 'refused' | 'unanswered';
  /** From when the hub took it to the reply. */
  readonly ms: number;
  /** So many refusals of the same command, since the last line for it. */
  readonly times?: number;
}

/** Lines kept of each VM. */
const KEPT = 100;
/** Refusals of one token and command that are told one by one, in a second. */
const REFUSALS_TOLD = 10;
const PERIOD = 1_000;
/** A longer name is no command of QEMU. */
const NAME_LENGTH = 100;

/** Refusals of one command to one token in a second. */
interface Refusals {
  told: number;
  untold: number;
  last: AuditLine;
}

/** Who did what: in the log, in a file if one is named, and the latest of each VM for operators. */
export class Audit {
  readonly #logger: Logger | undefined;
  readonly #path: string | undefined;
  #file: WriteStream | undefined;
  readonly #byVm = new Map<string, Ring<AuditLine>>();
  readonly #refusals = new Map<string, Refusals>();
  #timer: NodeJS.Timeout | undefined;
  #lines = 0;

  /** @param path of a file that lines of JSON are added to; it is made for its owner alone */
  constructor(logger: Logger | undefined, path: string | undefined) {
    this.#logger = logger;
    this.#path = path;
    if (path !== undefined) this.#file = this.#open(path);
  }

  /** Goes on in a new file of that name, if the old one was moved. Rejects if it cannot be opened; then nothing has changed. */
  async reopen(): Promise<void> {
    if (this.#path === undefined) return;
    const file = this.#open(this.#path);
    await once(file, 'open');
    this.#file?.end();
    this.#file = file;
  }

  /** Lines from the start. */
  get lines(): number {
    return this.#lines;
  }

  record(line: AuditLine): void {
    const short = { ...line, command: line.command.slice(0, NAME_LENGTH) };
    if (short.outcome !== 'refused') this.#write(short);
    else this.#refused(short);
  }

  /** The latest of one VM, oldest first. */
  of(vm: string): readonly AuditLine[] {
    return this.#byVm.get(vm)?.toArray() ?? [];
  }

  forget(vm: string): void {
    this.#byVm.delete(vm);
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    this.#tellRefusals();
    const file = this.#file;
    if (!file || file.destroyed) return;
    await new Promise<void>((resolve) => {
      file.once('close', resolve);
      file.end();
    });
  }

  #open(path: string): WriteStream {
    const file = createWriteStream(path, { flags: 'a', mode: 0o600 });
    file.on('error', (error) => this.#logger?.warn(`the audit cannot be written to ${path}: ${error.message}`));
    return file;
  }

  #refused(line: AuditLine): void {
    const key = JSON.stringify([line.token, line.vm, line.command]);
    const refusals = this.#refusals.get(key) ?? { told: 0, untold: 0, last: line };
    this.#refusals.set(key, refusals);
    this.#timer ??= setTimeout(() => {
      this.#tellRefusals();
    }, PERIOD);
    refusals.last = line;
    if (refusals.told < REFUSALS_TOLD) {
      refusals.told += 1;
      this.#write(line);
    } else refusals.untold += 1;
  }

  #tellRefusals(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { last, untold } of this.#refusals.values()) if (untold > 0) this.#write({ ...last, times: untold });
    this.#refusals.clear();
  }

  #write(line: AuditLine): void {
    this.#lines += 1;
    let ring = this.#byVm.get(line.vm);
    if (!ring) this.#byVm.set(line.vm, (ring = new Ring(KEPT)));
    ring.push(line);
    this.#file?.write(`${JSON.stringify(line)}\n`);
    const { token, peer, vm, command, oob, outcome, ms, times } = line;
    const what = `${escaped(command)}${oob ? ' (oob)' : ''}`;
    const many = times === undefined ? '' : `, ${times} times`;
    this.#logger?.info?.(`audit ${token} ${peer} ${vm} ${what} ${outcome} ${ms} ms${many}`);
  }
}
