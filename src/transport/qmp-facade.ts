import type { Observable } from 'rxjs';
import { CommandCutter } from '../protocol/command-cutter.js';
import { errorText, nameOf, parseCommand, readCommand, replyText, type Command } from '../protocol/command.js';
import type { Greeting } from '../protocol/message.js';
import { parseExact, stringify } from '../protocol/json.js';
import type { Connection } from './connection.js';
import { SocketInbox } from './socket-inbox.js';

/** What stands behind a {@link QmpFacade}. */
export interface Backend {
  /** Runs a command other than `qmp_capabilities`; its reply goes to `receive`. `id` is the command's, as JSON. */
  run(command: Command, text: string, id: string | undefined): void;
  /** Nobody waits for the reply to this command any more. */
  abandon?(id: number): void;
  close(): void;
}

/** QEMU's bound for one command. */
const COMMAND_BYTES = 64 * 1024 * 1024;

/** A connection to something that is no QMP server: it greets, accepts capabilities, and hands the commands to a backend. */
export class QmpFacade implements Connection {
  readonly incoming$: Observable<Uint8Array | string>;
  readonly abandon?: (id: number) => void;
  readonly #backend: Backend;
  readonly #inbox = new SocketInbox();
  readonly #cutter = new CommandCutter(COMMAND_BYTES);
  #ended = false;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.incoming$ = this.#inbox.incoming$;
    if (backend.abandon) this.abandon = (id) => backend.abandon?.(id);
  }

  greet(version: Greeting['QMP']['version']): void {
    this.receive(`${JSON.stringify({ QMP: { version, capabilities: [] } })}\n`);
  }

  /** Hands on what the other end would have sent. */
  receive(chunk: Uint8Array | string): void {
    if (!this.#ended) this.#inbox.next(chunk);
  }

  /** The end: in good order, or with the cause of a loss. */
  end(cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (cause === undefined) this.#inbox.complete();
    else this.#inbox.error(cause);
  }

  send(data: string | Uint8Array): void {
    if (this.#ended) return;
    this.#cutter.push(typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data));
    try {
      for (let text = this.#cutter.next(); text !== undefined; text = this.#cutter.next()) this.#take(text);
    } catch (error) {
      this.receive(errorText(error, undefined));
    }
  }

  close(): void {
    this.end();
    this.#backend.close();
  }

  #take(text: string): void {
    let id: string | undefined;
    try {
      const command = readCommand(parseCommand(text, parseExact), false);
      if ('id' in command) id = stringify(command.id, 'id');
      if (nameOf(command) === 'qmp_capabilities') this.receive(replyText('{}', id));
      else this.#backend.run(command, text, id);
    } catch (error) {
      this.receive(errorText(error, id));
    }
  }
}
