import { Subscription } from 'rxjs';
import { excerpt, show, textOf } from '../foundation/text.js';
import { DeliveryQueue } from '../foundation/delivery-queue.js';
import {
  DisconnectedError,
  type GreetingError,
  NegotiationError,
  ProtocolError,
  type QmpError,
} from '../protocol/errors.js';
import { notAnEvent, type ProtocolDiagnostic } from '../protocol/diagnostic.js';
import { Framing, type FramingOptions } from '../protocol/framing.js';
import {
  isErrorReply,
  isGreeting,
  kindOf,
  type ErrorReply,
  type Greeting,
  type Message,
  type QmpEvent,
  type SuccessReply,
} from '../protocol/message.js';
import type { Command } from '../protocol/command.js';
import { readReplyText } from '../protocol/reply-text.js';
import { Commands, type CommandCall, type Outgoing } from './commands.js';
import type { Connection } from '../transport/connection.js';
import { ConnectionEnd } from './connection-end.js';
import { hungUp, notQmp, unanswered, ungreeted } from './handshake-errors.js';
import { Heartbeat } from './heartbeat.js';
import { Noise } from './noise.js';
import { OrderlyEnd } from './orderly-end.js';
import type { Shutdown } from './state.js';

export interface SessionOptions extends FramingOptions {
  /** How many in-band commands may be on the wire; fewer where QEMU itself takes fewer. */
  readonly maxInFlight: number;
  /** Milliseconds of silence; Infinity for no heartbeat. */
  readonly heartbeat: number;
}

/** Receives what a {@link Session} reports. */
export interface SessionHost {
  /** Each event, before the session acts on it, with its text. */
  event(event: QmpEvent, text: string): void;
  /** Each other message, likewise. */
  message(message: Message, text: string): void;
  /** A reply was handed over as text, see {@link CommandCall.asText}. */
  unparsed(): void;
  /** Each command, as it goes onto the wire. */
  sent(command: Command, heartbeat: boolean): void;
  diagnostic(diagnostic: ProtocolDiagnostic): void;
  /** QEMU has greeted us and takes commands. */
  ready(greeting: Greeting): void;
  /** Called once, whatever ended it; `loss` is set unless it ended in good order, `shutdown` if QEMU announced it. */
  sessionEnded(loss: QmpError | undefined, shutdown: Shutdown | undefined): void;
}

/** One connection from the greeting to its end. */
export class Session {
  readonly #connection: Connection;
  readonly #host: SessionHost;
  readonly #name: string;
  readonly #framing: Framing;
  readonly #commands: Commands;
  readonly #heartbeat: Heartbeat;
  readonly #incoming = new Subscription();
  // A server in the same process may answer from inside `send`: its bytes wait until those before are dealt with.
  readonly #work = new DeliveryQueue<Uint8Array | string | ConnectionEnd>((item) => {
    this.#take(item);
  });
  #greeting: Greeting | undefined;
  #ready = false;
  #ended = false;
  readonly #orderlyEnd = new OrderlyEnd();
  readonly #noise: Noise;
  #bytes = 0;

  constructor(connection: Connection, options: SessionOptions, host: SessionHost) {
    this.#connection = connection;
    this.#host = host;
    this.#name = options.name;
    this.#noise = new Noise(options.name);
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
      unparsed: (line) => this.#takeUnparsed(line),
      diagnostic: (diagnostic) => {
        if (diagnostic.kind !== 'bad-line') host.diagnostic(diagnostic);
        else if (this.#greeting) this.#drop(diagnostic);
        else throw notQmp(this.#name, diagnostic.message);
      },
    });
    this.#heartbeat = new Heartbeat(options.heartbeat, {
      ask: () => {
        // A command in flight is a question, too.
        if (this.#commands.size > 0) return;
        const command = { name: 'query-version', args: undefined, oob: false, heartbeat: true } as const;
        this.#commands.execute(command, Infinity).catch(() => undefined);
      },
      silent: () => {
        const silence = `nothing came for ${options.heartbeat} ms, and nothing for as long after a question`;
        this.end(this.#lossOf(new Error(silence)));
      },
    });
  }

  /** Begins to read. */
  start(): void {
    const subscription = this.#connection.incoming$.subscribe({
      next: (chunk) => {
        // A chunk that has to wait is copied: its memory may be used again once this returns.
        this.#work.push(this.#work.busy && typeof chunk !== 'string' ? new Uint8Array(chunk) : chunk);
      },
      error: (cause: unknown) => {
        this.#work.push(new ConnectionEnd(cause));
      },
      complete: () => {
        this.#work.push(new ConnectionEnd());
      },
    });
    // Unsubscribes at once if the session has ended meanwhile.
    this.#incoming.add(subscription);
  }

  /** Whether QEMU has taken the connection from its listen queue. */
  get greeted(): boolean {
    return this.#greeting !== undefined;
  }

  /** Received so far. */
  get bytes(): number {
    return this.#bytes;
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

  /** The error of a handshake that is not over after so many milliseconds. */
  overdue(time: number): GreetingError | NegotiationError {
    return this.#greeting ? unanswered(this.#name, time) : ungreeted(this.#name, time);
  }

  /** Ends it from our side: with a loss, or in good order. Unanswered commands are interrupted. */
  end(loss?: QmpError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#framing.stop();
    this.#heartbeat.stop();
    this.#incoming.unsubscribe();
    this.#commands.interrupt(loss ?? new DisconnectedError(`${this.#name}: the session has ended`));
    try {
      this.#connection.close();
    } catch (error) {
      this.#host.diagnostic({ kind: 'close-failed', message: `closing the connection threw: ${textOf(error)}` });
    }
    this.#host.sessionEnded(loss, this.#orderlyEnd.shutdown);
  }

  #take(item: Uint8Array | string | ConnectionEnd): void {
    if (this.#ended) return;
    try {
      if (item instanceof ConnectionEnd) {
        this.#framing.end();
        this.end(this.#lossOf(item.cause));
      } else {
        this.#bytes += item.length;
        this.#heartbeat.heard();
        this.#framing.push(item);
      }
    } catch (error) {
      this.end(
        error instanceof ProtocolError ? error : new ProtocolError(`${this.#name}: ${String(error)}`, { cause: error }),
      );
    }
  }

  #receive(message: Message, text: string): void {
    const kind = kindOf(message);
    if (kind === 'event') {
      this.#noise.end();
      this.#orderlyEnd.heard(message as QmpEvent);
      this.#host.event(message as QmpEvent, text);
      return;
    }
    this.#host.message(message, text);
    if (this.#ended) return;
    if (kind === 'not-an-event') this.#drop(notAnEvent(message));
    else if (!this.#greeting) this.#greet(message);
    else if (kind === 'reply') this.#reply(message as SuccessReply | ErrorReply);
    else this.#drop({ kind: 'unknown-message', message: 'an object that is no message of QMP was dropped' });
  }

  /** Hands a reply over to a caller who wants its text. */
  #takeUnparsed(line: string): boolean {
    const reply = this.#commands.size > 0 ? readReplyText(line) : undefined;
    const answered = reply && this.#commands.replyText(reply);
    if (answered === undefined) return false;
    this.#noise.end();
    this.#host.unparsed();
    this.#orderlyEnd.answered(answered, reply?.id, false);
    return true;
  }

  /** Reports a message that means nothing. @throws ProtocolError after too many in a row */
  #drop(diagnostic: ProtocolDiagnostic): void {
    this.#host.diagnostic(diagnostic);
    this.#noise.heard(diagnostic);
  }

  #greet(message: Message): void {
    if (!isGreeting(message)) throw notQmp(this.#name, excerpt(JSON.stringify(message)));
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
      this.#noise.end();
      // Not in a `then`: the rest of this chunk belongs to the session already.
      if (!this.#ready && this.#greeting && 'return' in reply) {
        this.#ready = true;
        this.#heartbeat.start();
        this.#host.ready(this.#greeting);
      }
      this.#orderlyEnd.answered(answered, reply.id, 'error' in reply);
    } else if ('id' in reply) {
      this.#drop({ kind: 'unknown-id', message: 'a reply to no command of ours was dropped' });
    } else {
      const desc = isErrorReply(reply) ? excerpt(reply.error.desc) : 'a reply without id';
      this.#drop({
        kind: 'error-without-id',
        message: `the server did not say which command this answers: ${desc}`,
      });
    }
  }

  #transmit({ id, name, command, text, fds, heartbeat }: Outgoing): void {
    this.#orderlyEnd.sent(name, id);
    this.#host.sent(command, heartbeat === true);
    this.#use((connection) => {
      if (fds) connection.sendWithFds?.(text, fds);
      else connection.send(text);
    });
  }

  /** Ends the session if the connection throws. */
  #use(what: (connection: Connection) => void): void {
    try {
      what(this.#connection);
    } catch (cause) {
      this.end(this.#lossOf(cause));
    }
  }

  /** Undefined after an orderly end, which a broken connection may be, too: QEMU exits without reading what is left. */
  #lossOf(cause: unknown): QmpError | undefined {
    if (this.#orderlyEnd.expected) return undefined;
    const how =
      cause === undefined ? 'the other end closed it' : cause instanceof Error ? cause.message.trim() : show(cause);
    if (!this.#greeting) return hungUp(this.#name, how, cause);
    return new DisconnectedError(`${this.#name}: the connection is lost: ${how}`, { cause });
  }
}
