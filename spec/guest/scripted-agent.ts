import { Observable, Subject } from 'rxjs';
import type { Connection, Connector } from 'rx-qmp';

/** A command as the agent got it. */
export interface Asked {
  readonly execute: string;
  readonly arguments?: Record<string, unknown>;
  readonly id?: unknown;
}

const info = { version: '7.2.22', supported_commands: [] };

/**
 * A guest agent in memory: it answers `guest-sync-delimited` and `guest-info` by itself, unless it is {@link silent}, and what
 * a spec tells it to. As the real one, it forgets what it has begun to read at a byte 0xFF.
 */
export class ScriptedAgent {
  /** What it was asked, in the order in which it came; without the synchronisation. */
  readonly asked: Asked[] = [];
  /** How many times it was synchronised. */
  synchronised = 0;
  silent = false;
  /** Is sent before the next answer to `guest-sync-delimited`. */
  stale: (string | Uint8Array)[] = [];
  /** Sends each byte as a chunk of its own, whose memory is used again. */
  byteByByte = false;
  onAsked: ((asked: Asked) => void) | undefined;
  closed = 0;
  #incoming = new Subject<Uint8Array | string>();

  readonly connector: Connector<object> = Object.assign(
    (): Promise<Connection> => {
      this.#incoming = new Subject();
      const incoming = this.#incoming;
      return Promise.resolve({
        incoming$: new Observable<Uint8Array | string>((subscriber) => incoming.subscribe(subscriber)),
        send: (data: string | Uint8Array) => {
          this.#take(typeof data === 'string' ? new TextEncoder().encode(data) : data);
        },
        close: () => {
          this.closed += 1;
        },
      });
    },
    { address: 'scripted' },
  );

  send(...chunks: (string | Uint8Array)[]): void {
    for (const chunk of chunks) {
      if (!this.byteByByte) this.#incoming.next(chunk);
      else for (const byte of typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk) this.#sendByte(byte);
    }
  }

  answer(asked: Asked, result: unknown): void {
    this.send(`${JSON.stringify({ return: result, id: asked.id })}\n`);
  }

  refuse(asked: Asked, desc: string): void {
    this.send(`${JSON.stringify({ error: { class: 'GenericError', desc }, id: asked.id })}\n`);
  }

  /** Resolves with the next command that is asked. */
  next(): Promise<Asked> {
    return new Promise((resolve) => {
      this.onAsked = (asked) => {
        this.onAsked = undefined;
        resolve(asked);
      };
    });
  }

  hangUp(cause?: Error): void {
    if (cause) this.#incoming.error(cause);
    else this.#incoming.complete();
  }

  #sendByte(byte: number): void {
    const chunk = Uint8Array.of(byte);
    this.#incoming.next(chunk);
    chunk.fill(0);
  }

  #take(bytes: Uint8Array): void {
    for (const line of new TextDecoder('latin1').decode(bytes.subarray(bytes.lastIndexOf(0xff) + 1)).split('\n')) {
      if (line.trim() === '') continue;
      const command = JSON.parse(line) as Asked;
      if (this.silent) continue;
      if (command.execute === 'guest-sync-delimited') {
        this.synchronised += 1;
        this.send(...this.stale.splice(0));
        this.send(Uint8Array.of(0xff), `${JSON.stringify({ return: command.arguments?.['id'] })}\n`);
      } else if (command.execute === 'guest-info' && command.id === undefined) {
        this.send(`${JSON.stringify({ return: info })}\n`);
      } else {
        this.asked.push(command);
        this.onAsked?.(command);
      }
    }
  }
}
