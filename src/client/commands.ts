import { whenOver } from '../foundation/abort.js';
import { ExecInterruptedError, ExecTimeoutError, ExecuteError, StateError, type QmpError } from '../protocol/errors.js';
import { stringify } from '../protocol/json.js';
import type { ReplyText } from '../protocol/reply-text.js';
import { commandOf, IN_BAND_LIMIT, lineOf, type Command } from '../protocol/command.js';
import { isErrorReply, type ErrorReply, type SuccessReply } from '../protocol/message.js';

/** How one command is run. */
export interface ExecuteOptions {
  /** Milliseconds until `ExecTimeoutError`; the command may still be running then. @default the client's `executeTimeout` */
  readonly timeout?: number | undefined;
  /** Rejects with the signal's reason when it aborts. A command already sent runs on in QEMU, and its reply is ignored. */
  readonly signal?: AbortSignal | undefined;
  /** Sends it out of band: it overtakes what QEMU is busy with. Few commands allow it, see QEMU's documentation. */
  readonly oob?: boolean | undefined;
  /**
   * File descriptors to pass along, for `getfd` and `add-fd`: numbers, or Node's `FileHandle`s. They stay yours, to close when
   * the command has its reply. The connection must be able to: `withDescriptors()` of rx-qmp/descriptors makes it so.
   */
  readonly fds?: readonly (number | { readonly fd: number })[];
}

/** A command to run. */
export interface CommandCall {
  readonly name: string;
  readonly args: object | undefined;
  readonly oob: boolean;
  readonly fds?: readonly number[];
  /** Set on the question of the heartbeat. */
  readonly heartbeat?: true;
  /** Resolves with the text of the result, which is not parsed where QEMU's reply looks as usual. */
  readonly asText?: boolean;
}

/** A command as it goes onto the wire. */
export interface Outgoing {
  readonly id: number;
  readonly name: string;
  readonly command: Command;
  readonly text: string;
  readonly fds?: readonly number[];
  readonly heartbeat?: true;
}

/** Takes commands to the server. */
export interface Carrier {
  send(command: Outgoing): void;
  /** Is told of a command on the wire whose caller has given up. Without it, such a command keeps its place until its reply. */
  abandon?(id: number): void;
}

interface Caller {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** A command without a reply. */
interface Pending extends Pick<CommandCall, 'name' | 'oob' | 'fds' | 'asText'> {
  readonly id: number;
  /** Absent once nobody waits any more: a reply may still come, but nothing else is kept for it. */
  readonly caller?: Caller;
}

interface Waiting extends Pending, Outgoing {
  readonly caller: Caller;
}

/** More unanswered commands than this are a leak in the program that makes them, or a server that has died. */
const COMMAND_LIMIT = 10_000;

/** QEMU's own limit of a command. It would end the session beyond it. */
const COMMAND_BYTES = 64 * 1024 * 1024;
const TOO_LARGE = `the command is larger than ${COMMAND_BYTES} bytes, QEMU's own limit; it was not sent`;

/** How many characters the commands that wait for their turn may have in sum. */
const WAITING_LIMIT = 64 * 1024 * 1024;

/** The commands of one session: on the wire, or waiting for their turn. */
export class Commands {
  readonly #name: string;
  readonly #carrier: Carrier;
  /** On the wire, by id. A Map keeps their order. */
  readonly #sent = new Map<unknown, Pending>();
  readonly #waiting = new Set<Waiting>();
  #waitingLength = 0;
  #inBandSent = 0;
  #maxInFlight: number;
  #oob = false;
  #lastId = 0;

  /** @param maxInFlight how many in-band commands may be on the wire; Infinity allowed */
  constructor(name: string, maxInFlight: number, carrier: Carrier) {
    this.#name = name;
    this.#maxInFlight = maxInFlight;
    this.#carrier = carrier;
  }

  /** How many were sent or wait, and are not answered. */
  get size(): number {
    return this.#sent.size + this.#waiting.size;
  }

  enableOob(): void {
    this.#oob = true;
    this.#maxInFlight = Math.min(this.#maxInFlight, IN_BAND_LIMIT);
  }

  /** @param timeout milliseconds, Infinity allowed */
  execute({ name, args, oob, ...rest }: CommandCall, timeout: number, signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (oob && !this.#oob) {
      return Promise.reject(
        new StateError(`${this.#name}: ${name}: QEMU does not offer out-of-band execution on this connection`, {
          phase: 'ready',
        }),
      );
    }
    const full = this.#fullness();
    if (full !== undefined) {
      const advice = 'await the replies; if the server gives none, disconnect() and connect()';
      return Promise.reject(new StateError(`${this.#name}: ${name}: ${full} already; ${advice}`, { phase: 'ready' }));
    }
    const id = ++this.#lastId;
    const call = new Error();
    return new Promise((resolve, reject) => {
      const caller: Caller = {
        resolve: (result) => {
          stopWaiting();
          resolve(result);
        },
        reject: (error) => {
          stopWaiting();
          reject(blameCall(error, call));
        },
      };
      const command = commandOf(name, args, oob, id);
      const text = lineOf(command);
      if (isTooLarge(text)) throw new RangeError(`${this.#name}: ${name}: ${TOO_LARGE}`);
      const waiting: Waiting = { id, name, oob, caller, command, text, ...rest };
      const late = (): Error => {
        const how = this.#waiting.has(waiting)
          ? `not sent within ${timeout} ms: of those before it ${this.#maxInFlight} have no reply`
          : `no reply within ${timeout} ms; it may still be running`;
        return blameCall(new ExecTimeoutError(`${this.#name}: ${name}: ${how}`, name, timeout), call);
      };
      const stopWaiting = whenOver(signal, timeout, late, (reason) => {
        stopWaiting();
        reject(reason);
        if (!this.#leave(waiting)) this.#giveUp({ name, oob, id, ...(waiting.fds && { fds: waiting.fds }) });
      });
      this.#waiting.add(waiting);
      this.#waitingLength += waiting.text.length;
      this.#pump(waiting);
    });
  }

  /** Why no further command is taken, if so. */
  #fullness(): string | undefined {
    if (this.size >= COMMAND_LIMIT) return `${COMMAND_LIMIT} commands are unanswered`;
    if (this.#waitingLength < WAITING_LIMIT) return undefined;
    return `${this.#waiting.size} commands of ${this.#waitingLength} characters wait for their turn`;
  }

  /** Settles the command that the reply answers and returns its name, or undefined if there is none. */
  reply(reply: SuccessReply | ErrorReply): string | undefined {
    const pending = this.#answered(reply);
    if (!pending) return undefined;
    this.#settle(pending, (caller) => {
      if (!('return' in reply)) caller.reject(this.#errorOf(pending, reply));
      else caller.resolve(pending.asText ? stringify(reply.return, 'return') : reply.return);
    });
    return pending.name;
  }

  /** The same for a reply that has not been parsed. Undefined also where the caller did not ask for text. */
  replyText({ id, result }: ReplyText): string | undefined {
    const pending = this.#sent.get(id);
    if (!pending?.asText) return undefined;
    this.#settle(pending, (caller) => {
      caller.resolve(result);
    });
    return pending.name;
  }

  /** The session has ended: rejects all that have no reply. */
  interrupt(cause: QmpError): void {
    const sent = [...this.#sent.values()];
    const waiting = [...this.#waiting];
    this.#sent.clear();
    this.#waiting.clear();
    this.#waitingLength = 0;
    this.#interrupt(sent, 'the session ended before the reply; it may have been executed', cause);
    this.#interrupt(waiting, 'the session ended before it was sent', cause);
  }

  /** A command on the wire has its reply. */
  #settle(pending: Pending, how: (caller: Caller) => void): void {
    this.#sent.delete(pending.id);
    if (!pending.oob) this.#inBandSent -= 1;
    try {
      if (pending.caller) how(pending.caller);
    } catch (error) {
      pending.caller?.reject(error);
    }
    this.#pump();
  }

  #interrupt(commands: readonly Pending[], how: string, cause: QmpError): void {
    for (const { name, caller } of commands) {
      caller?.reject(new ExecInterruptedError(`${this.#name}: ${name}: ${how}`, name, { cause }));
    }
  }

  /** Sends what may be sent now: an oob command at once, the others in their order. */
  #pump(overtaking?: Waiting): void {
    if (overtaking?.oob) this.#transmit(overtaking);
    for (const pending of this.#waiting) {
      if (this.#inBandSent >= this.#maxInFlight) return;
      if (pending.fds && this.#passesFds) return;
      this.#transmit(pending);
    }
  }

  /** QEMU drops the descriptors of a command that has not run when those of the next one come. */
  get #passesFds(): boolean {
    return [...this.#sent.values()].some(({ fds }) => fds);
  }

  #transmit(waiting: Waiting): void {
    this.#leave(waiting);
    const { id, name, oob, caller, fds, asText } = waiting;
    this.#sent.set(id, { id, name, oob, caller, ...(fds && { fds }), ...(asText && { asText }) });
    if (!oob) this.#inBandSent += 1;
    this.#carrier.send(waiting);
  }

  /** Nobody waits for its reply any more. */
  #giveUp(pending: Pending): void {
    if (!this.#carrier.abandon) {
      this.#sent.set(pending.id, pending);
      return;
    }
    this.#sent.delete(pending.id);
    if (!pending.oob) this.#inBandSent -= 1;
    this.#carrier.abandon(pending.id);
    this.#pump();
  }

  /** True if it was still waiting for its turn. */
  #leave(waiting: Waiting): boolean {
    if (!this.#waiting.delete(waiting)) return false;
    this.#waitingLength -= waiting.text.length;
    return true;
  }

  /** An error without id answers the command in flight if there is only one. */
  #answered(reply: SuccessReply | ErrorReply): Pending | undefined {
    if ('id' in reply) return this.#sent.get(reply.id);
    if ('return' in reply || this.#sent.size !== 1) return undefined;
    return [...this.#sent.values()][0];
  }

  #errorOf(pending: Pending, reply: ErrorReply): ExecuteError {
    const { class: errorClass, desc } = isErrorReply(reply)
      ? reply.error
      : { class: 'MalformedError', desc: 'the server answered with an error it did not describe' };
    return new ExecuteError(`${this.#name}: ${pending.name}: ${desc}`, { errorClass, desc, command: pending.name });
  }
}

function isTooLarge(text: string): boolean {
  // No UTF-16 unit takes more than three bytes: most commands need no counting.
  return text.length * 3 > COMMAND_BYTES && new TextEncoder().encode(text).length > COMMAND_BYTES;
}

/** Gives an error that was made when the reply came the stack of the call that it answers. */
function blameCall(error: unknown, call: Error): Error {
  const blamed = error as Error;
  const frames = call.stack?.slice(call.stack.indexOf('\n')) ?? '';
  Object.defineProperty(blamed, 'stack', {
    value: `${blamed.name}: ${blamed.message}${frames}`,
    configurable: true,
    writable: true,
  });
  return blamed;
}
