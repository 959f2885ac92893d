import { defaultIfEmpty, isObservable, Subscription, take } from 'rxjs';
import type { Greeting, QmpEvent } from '../protocol/message.js';
import { isRecord } from '../foundation/checks.js';
import {
  asksForOob,
  IN_BAND_LIMIT,
  isOutOfBand,
  nameOf,
  parseCommand,
  readCommand,
  type Command,
} from '../protocol/command.js';
import { CommandCutter } from '../protocol/command-cutter.js';
import { CommandError, genericError } from '../protocol/command-error.js';
import type { FakeConnection } from './fake-connection.js';
import { qemuJson } from './qemu-json.js';
import type { ReplyHooks } from './reply.js';

/** What a monitor asks of the machine behind it. */
export interface MonitorHost {
  readonly greeting: Greeting;
  received(command: Command): void;
  has(command: string): boolean;
  allowsOob(command: string): boolean;
  /** @throws CommandError */
  checkArguments(command: string, args: object): void;
  run(command: string, args: object, hooks: ReplyHooks): unknown;
}

/** QEMU's bound for one command. */
const COMMAND_BYTES = 64 * 1024 * 1024;

/** One JSON text that the client sent, or what is wrong with it. */
interface Request {
  readonly value?: unknown;
  readonly fault?: Error;
}

/** The server's side of one connection that is being served. */
export class Monitor {
  readonly #connection: FakeConnection;
  readonly #host: MonitorHost;
  readonly #cutter = new CommandCutter(COMMAND_BYTES);
  readonly #queue: Request[] = [];
  readonly #replies = new Subscription();
  #negotiated = false;
  #oob = false;
  #busy = false;
  #ended = false;

  constructor(connection: FakeConnection, host: MonitorHost) {
    this.#connection = connection;
    this.#host = host;
  }

  /** Greets, and reads what the client has said meanwhile. */
  start(): void {
    this.#write(this.#host.greeting);
    this.#connection.serveBy((text) => {
      this.#cutter.push(new TextEncoder().encode(text));
      this.#read();
    });
  }

  emit(event: QmpEvent): void {
    if (this.#negotiated) this.#write(event);
  }

  /** Says nothing any more. */
  stop(): void {
    this.#connection.serveBy(() => undefined);
    this.#ended = true;
    this.#replies.unsubscribe();
  }

  #read(): void {
    while (!this.#ended && (this.#oob ? this.#queue.length < IN_BAND_LIMIT : !this.#busy)) {
      const request = this.#nextRequest();
      if (!request) return;
      if (asksForOob(request.value)) this.#dispatch(request, () => undefined);
      else {
        this.#queue.push(request);
        this.#work();
      }
    }
  }

  #nextRequest(): Request | undefined {
    try {
      const text = this.#cutter.next();
      return text === undefined ? undefined : { value: parseCommand(text) };
    } catch (fault) {
      return { fault: fault as Error };
    }
  }

  /** In-band commands run one after the other. */
  #work(): void {
    while (!this.#busy && !this.#ended) {
      const request = this.#queue.shift();
      if (!request) return;
      this.#busy = true;
      let atOnce = true;
      this.#dispatch(request, () => {
        this.#busy = false;
        if (!atOnce) this.#resume();
      });
      atOnce = false;
    }
  }

  #resume(): void {
    this.#work();
    this.#read();
  }

  #dispatch(request: Request, done: () => void): void {
    const { value } = request;
    // The reply has no id where the client gave none.
    const id = isRecord(value) && 'id' in value ? { id: value['id'] } : {};
    const tasks: (() => void)[] = [];
    const succeed = (result: unknown): void => {
      if (this.#ended) return;
      this.#write({ return: result ?? {}, ...id });
      for (const task of tasks) task();
      done();
    };
    const fail = (error: unknown): void => {
      if (this.#ended) return;
      const errorClass = error instanceof CommandError ? error.errorClass : 'GenericError';
      const desc = error instanceof Error ? error.message : String(error);
      this.#write({ ...id, error: { class: errorClass, desc } });
      done();
    };
    let result: unknown;
    try {
      result = this.#run(request, tasks);
      if (result instanceof Error) throw result;
    } catch (error) {
      fail(error);
      return;
    }
    this.#replies.add(settle(result, succeed, fail));
  }

  #run(request: Request, tasks: (() => void)[]): unknown {
    if (request.fault !== undefined) throw request.fault;
    const command = readCommand(request.value, this.#oob);
    this.#host.received(command);
    const name = nameOf(command);
    const args = command.arguments ?? {};
    if (!this.#negotiated) return this.#negotiate(name, args);
    if (name === 'qmp_capabilities') {
      throw new CommandError('CommandNotFound', 'Capabilities negotiation is already complete, command ignored');
    }
    if (!this.#host.has(name)) throw new CommandError('CommandNotFound', `The command ${name} has not been found`);
    if (isOutOfBand(command) && !this.#host.allowsOob(name)) {
      throw genericError(`The command ${name} does not support OOB`);
    }
    this.#host.checkArguments(name, args);
    return this.#host.run(name, args, { afterReply: (task) => tasks.push(task) });
  }

  #negotiate(name: string, args: { readonly enable?: readonly string[] }): object {
    if (name !== 'qmp_capabilities') {
      throw new CommandError('CommandNotFound', "Expecting capabilities negotiation with 'qmp_capabilities'");
    }
    this.#host.checkArguments(name, args);
    const { enable = [] } = args;
    const missing = enable.find((capability) => !this.#host.greeting.QMP.capabilities.includes(capability));
    if (missing !== undefined) throw genericError(`Capability '${missing}' is not available`);
    this.#oob = enable.includes('oob');
    this.#negotiated = true;
    return {};
  }

  #write(message: object): void {
    this.#connection.write(`${qemuJson(message)}\r\n`);
  }
}

/** Waits for a result that may come later. Unsubscribing gives it up. */
function settle(result: unknown, succeed: (value: unknown) => void, fail: (error: unknown) => void): Subscription {
  if (isPromiseLike(result)) result.then(succeed, fail);
  else if (isObservable(result)) {
    return result.pipe(take(1), defaultIfEmpty(undefined)).subscribe({ next: succeed, error: fail });
  } else succeed(result);
  return Subscription.EMPTY;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}
