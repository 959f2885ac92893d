import type { Subscription } from 'rxjs';
import { show } from '../foundation/checks.js';
import { DeliveryQueue } from '../foundation/delivery-queue.js';
import {
  DisconnectedError,
  GreetingError,
  NegotiationError,
  ProtocolError,
  type QmpError,
} from '../protocol/errors.js';
import type { ProtocolDiagnostic } from '../protocol/diagnostic.js';
import { excerpt, Framing, type FramingOptions } from '../protocol/framing.js';
import {
  isEvent,
  isErrorReply,
  isGreeting,
  type ErrorReply,
  type Greeting,
  type Message,
  type SuccessReply,
} from '../protocol/message.js';
import type { Command } from '../protocol/command.js';
import { Commands, type CommandCall, type Outgoing } from './commands.js';
import type { Connection } from '../transport/connection.js';
import { OrderlyEnd } from './orderly-end.js';
import type { Shutdown } from './state.js';

export interface SessionOptions extends FramingOptions {
  /** How many in-band commands may be on the wire; fewer where QEMU itself takes fewer. */
  readonly maxInFlight: number;
}

/** Whom a session serves. */
export interface SessionHost {
  /** Each message, before the session acts on it. */
  received(message: Message, text: string): void;
  /** Each chunk of bytes, or of text. */
  receivedBytes(length: number): void;
  /** Each command, as an object. */
  sent(command: Command): void;
  diagnostic(diagnostic: ProtocolDiagnostic): void;
  /** QEMU has greeted us and takes commands. */
  ready(greeting: Greeting): void;
  /** Called once, whatever ended it; `loss` is set unless it ended in good order, `shutdown` if QEMU announced it. */
  ended(loss: QmpError | undefined, shutdown: Shutdown | undefined): void;
}

/** The connection ended (`cause` if it broke), after all the bytes that came before. */
class ConnectionEnd {
  constructor(readonly cause?: unknown) {}
}

/** One connection from the greeting to its end. */
export class Session {
  readonly #connection: Connection;
  readonly #host: SessionHost;
  readonly #name: string;
  readonly #framing: Framing;
  readonly #commands: Commands;
  #incoming: Subscription | undefined;
  // A server in the same process may answer from inside `send`: its bytes wait until those before are dealt with.
  readonly #work = new DeliveryQueue<Uint8Array | string | ConnectionEnd>((item) => {
    this.#take(item);
  });
  #greeting: Greeting | undefined;
  #ready = false;
  #over = false;
  readonly #orderlyEnd = new OrderlyEnd();

  constructor(connection: Connection, options: SessionOptions, host: SessionHost) {
    this.#connection = connection;
    this.#host = host;
    this.#name = options.name;
    this.#commands = new Commands(options.name, options.maxInFlight, {
      send: (outgoing) => {
        this.#transmit(outgoing);
      },
      ...(connection.abandon && {
        abandon: (id) => {
          this.#use(() => connection.abandon?.(id));
        },
      }),
    });
    this.#framing = new Framing(options, {
      message: (message, text) => {
        this.#receive(message as Message, text);
      },
      diagnostic: (diagnostic) => {
        host.diagnostic(diagnostic);
      },
    });
  }

  /** Begins to read. */
  start(): void {
    this.#incoming = this.#connection.incoming$.subscribe({
      next: (chunk) => {
        // One that has to wait is copied: its memory may be used again.
        this.#work.push(this.#work.busy && typeof chunk !== 'string' ? new Uint8Array(chunk) : chunk);
      },
      error: (cause: unknown) => {
        this.#work.push(new ConnectionEnd(cause));
      },
      complete: () => {
        this.#work.push(new ConnectionEnd());
      },
    });
    if (this.#over) this.#incoming.unsubscribe();
  }

  /** Whether QEMU has taken the connection from its listen queue. */
  get greeted(): boolean {
    return this.#greeting !== undefined;
  }

  /** Commands without a reply yet. */
  get pending(): number {
    return this.#commands.size;
  }

  execute(command: CommandCall, timeout: number, signal?: AbortSignal): Promise<unknown> {
    if (command.fds && !this.#connection.sendWithFds) {
      const advice = 'connect with withDescriptors(unixSocket(path)), of rx-qmp/descriptors';
      return Promise.reject(
        new TypeError(`${this.#name}: ${command.name}: this connection passes no file descriptors; ${advice}`),
      );
    }
    return this.#commands.execute(command, timeout, signal);
  }

  /** Ends it from our side: with a loss, or in good order. Unanswered commands are interrupted. */
  end(loss?: QmpError): void {
    if (this.#over) return;
    this.#over = true;
    this.#framing.stop();
    this.#incoming?.unsubscribe();
    this.#commands.interrupt(loss ?? new DisconnectedError(`${this.#name}: the session is over`));
    try {
      this.#connection.close();
    } finally {
      this.#host.ended(loss, this.#orderlyEnd.shutdown);
    }
  }

  #take(item: Uint8Array | string | ConnectionEnd): void {
    if (this.#over) return;
    try {
      if (item instanceof ConnectionEnd) {
        this.#framing.end();
        this.end(this.#lossOf(item.cause));
      } else {
        this.#host.receivedBytes(item.length);
        this.#framing.push(item);
      }
    } catch (error) {
      this.end(
        error instanceof ProtocolError ? error : new ProtocolError(`${this.#name}: ${String(error)}`, { cause: error }),
      );
    }
  }

  #receive(message: Message, text: string): void {
    const event = isEvent(message);
    if (event) this.#orderlyEnd.heard(message);
    this.#host.received(message, text);
    if (event || 'event' in message || this.#over) return;
    if (!this.#greeting) this.#greet(message);
    else if ('return' in message || 'error' in message) this.#reply(message);
    else this.#host.diagnostic({ kind: 'unknown-message', message: 'an object that is no message of QMP was dropped' });
  }

  #greet(message: Message): void {
    if (!isGreeting(message)) {
      this.end(
        new GreetingError(
          `${this.#name}: what came first is no QMP greeting; is this a QMP monitor (-qmp), not -monitor?`,
        ),
      );
      return;
    }
    this.#greeting = message;
    const oob = message.QMP.capabilities.includes('oob');
    if (oob) this.#commands.enableOob();
    const command = { name: 'qmp_capabilities', args: oob ? { enable: ['oob'] } : undefined, oob: false };
    this.#commands.execute(command, Infinity).then(
      () => undefined,
      (cause: unknown) => {
        this.end(
          new NegotiationError(`${this.#name}: QEMU refused qmp_capabilities: ${(cause as Error).message}`, { cause }),
        );
      },
    );
  }

  #reply(reply: SuccessReply | ErrorReply): void {
    const answered = this.#commands.reply(reply);
    if (answered !== undefined) {
      // The state changes here and now, not a promise later: what follows in the same chunk belongs to the session.
      if (!this.#ready && this.#greeting && 'return' in reply) {
        this.#ready = true;
        this.#host.ready(this.#greeting);
      }
      this.#orderlyEnd.answered(answered, reply.id, 'error' in reply);
    } else if ('id' in reply) {
      this.#host.diagnostic({ kind: 'unknown-id', message: 'a reply to no command of ours was dropped' });
    } else {
      const desc = isErrorReply(reply) ? excerpt(reply.error.desc) : 'a reply without id';
      this.#host.diagnostic({
        kind: 'error-without-id',
        message: `the server did not say which command this answers: ${desc}`,
      });
    }
  }

  #transmit({ id, name, command, text, fds }: Outgoing): void {
    this.#orderlyEnd.sent(name, id);
    this.#host.sent(command);
    this.#use((connection) => {
      if (fds) connection.sendWithFds?.(text, fds);
      else connection.send(text);
    });
  }

  /** A connection that throws has broken. */
  #use(what: (connection: Connection) => void): void {
    try {
      what(this.#connection);
    } catch (cause) {
      this.end(this.#lossOf(cause));
    }
  }

  /** Undefined where the end was to be expected. A broken connection counts too: QEMU exits without reading what is left. */
  #lossOf(cause: unknown): QmpError | undefined {
    if (this.#orderlyEnd.expected) return undefined;
    if (!this.#greeting) {
      return new GreetingError(`${this.#name}: closed before any greeting came; is this a QMP monitor?`, { cause });
    }
    const how = cause === undefined ? 'the other end closed it' : cause instanceof Error ? cause.message : show(cause);
    return new DisconnectedError(`${this.#name}: the connection is lost: ${how}`, { cause });
  }
}
