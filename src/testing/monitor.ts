import { defaultIfEmpty, isObservable, Subscription, take } from 'rxjs';
import type { Greeting, QmpEvent } from '../protocol/message.js';
import { CommandError, genericError } from '../protocol/command-error.js';
import type { FakeConnection } from './fake-connection.js';
import { JsonScanner, ParseError } from './json-scanner.js';
import { checkRequest, idOf, isOutOfBand, type ReceivedCommand, type Request } from './request.js';
import { qemuJson } from './qemu-json.js';
import type { ReplyHooks } from './reply.js';

/** What a monitor asks of the machine behind it. */
export interface MonitorHost {
  readonly greeting: Greeting;
  received(command: ReceivedCommand): void;
  has(command: string): boolean;
  allowsOob(command: string): boolean;
  /** @throws CommandError */
  checkArguments(command: string, args: object): void;
  run(command: string, args: object, hooks: ReplyHooks): unknown;
}

/** So many in-band commands wait before QEMU stops reading. */
const QUEUE_LIMIT = 8;

/** The server's side of one connection that is being served. */
export class Monitor {
  readonly #connection: FakeConnection;
  readonly #host: MonitorHost;
  readonly #scanner = new JsonScanner();
  readonly #queue: Request[] = [];
  readonly #replies = new Subscription();
  #negotiated = false;
  #oob = false;
  #busy = false;
  #stopped = false;

  constructor(connection: FakeConnection, host: MonitorHost) {
    this.#connection = connection;
    this.#host = host;
  }

  /** Greets, and reads what the client has said meanwhile. */
  start(): void {
    this.#write(this.#host.greeting);
    this.#connection.serveBy((text) => {
      this.#scanner.push(text);
      this.#read();
    });
  }

  emit(event: QmpEvent): void {
    if (this.#negotiated) this.#write(event);
  }

  /** Says nothing any more. */
  stop(): void {
    this.#connection.serveBy(() => undefined);
    this.#stopped = true;
    this.#replies.unsubscribe();
  }

  #read(): void {
    while (!this.#stopped && (this.#oob ? this.#queue.length < QUEUE_LIMIT : !this.#busy)) {
      const request = this.#scanner.next();
      if (!request) return;
      if (isOutOfBand(request)) this.#dispatch(request, () => undefined);
      else {
        this.#queue.push(request);
        this.#work();
      }
    }
  }

  /** In-band commands run one after the other. */
  #work(): void {
    while (!this.#busy && !this.#stopped) {
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
    const id = idOf(request);
    const tasks: (() => void)[] = [];
    const succeed = (result: unknown): void => {
      if (this.#stopped) return;
      this.#write({ return: result ?? {}, ...id });
      for (const task of tasks) task();
      done();
    };
    const fail = (error: unknown): void => {
      if (this.#stopped) return;
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
    if (request instanceof ParseError) throw genericError(request.desc);
    const command = checkRequest(request.value, this.#oob);
    this.#host.received(command);
    const name = command.execute ?? command['exec-oob'] ?? '';
    const args = command.arguments ?? {};
    if (!this.#negotiated) return this.#negotiate(name, args);
    if (name === 'qmp_capabilities') {
      throw new CommandError('CommandNotFound', 'Capabilities negotiation is already complete, command ignored');
    }
    if (!this.#host.has(name)) throw new CommandError('CommandNotFound', `The command ${name} has not been found`);
    if (command.execute === undefined && !this.#host.allowsOob(name)) {
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
