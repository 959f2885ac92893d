import { StateError, type QmpError } from '../protocol/errors.js';
import type { ConnectionState, Shutdown } from './state.js';

/** What `tracingChannel('rx-qmp:execute')` of Node publishes of a command: never its arguments, never its result. */
export interface ExecuteTrace {
  /** The client's name. */
  readonly client: string;
  /** The name of the command. */
  readonly command: string;
  /** Whether it was sent out of band. */
  readonly oob: boolean;
}

/** What `tracingChannel('rx-qmp:connect')` of Node publishes of an attempt to connect, those after a loss included. */
export interface ConnectTrace {
  /** The client's name. */
  readonly client: string;
  /** Counts as in `ConnectionState`. */
  readonly attempt: number;
}

/** What `channel('rx-qmp:session-end')` of Node publishes when a session that was ready is over. */
export interface SessionEndTrace {
  /** The client's name. */
  readonly client: string;
  /** Counts the client's sessions from 1. */
  readonly session: number;
  /** When it began. */
  readonly since: Date;
  /** Why it ended; absent after an orderly end. */
  readonly cause?: QmpError;
  /** Set if QEMU announced the end. */
  readonly shutdown?: Shutdown;
}

interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: object): void;
}

interface TracingChannel {
  readonly hasSubscribers: boolean;
  tracePromise(run: () => Promise<unknown>, message: object): Promise<unknown>;
}

interface DiagnosticsChannels {
  channel(name: string): Channel;
  tracingChannel(name: string): TracingChannel;
}

/** Node, Bun and Deno have them, a browser has not. Not imported, since no bundle for browsers could be made then. */
const node = (globalThis as { process?: { getBuiltinModule?(name: string): unknown } }).process?.getBuiltinModule?.(
  'node:diagnostics_channel',
) as DiagnosticsChannels | undefined;

const executing = node?.tracingChannel('rx-qmp:execute');
const connecting = node?.tracingChannel('rx-qmp:connect');
const sessionEnd = node?.channel('rx-qmp:session-end');

/** Runs a command under the eyes of those who subscribe to the channel, in the caller's async context. */
export function traceExecute<T>(trace: ExecuteTrace, run: () => Promise<T>): Promise<T> {
  return traced(executing, trace, run);
}

function traced<T>(channel: TracingChannel | undefined, trace: object, run: () => Promise<T>): Promise<T> {
  if (!channel?.hasSubscribers) return run();
  let outcome!: Promise<T>;
  // Without the result, which the channel would publish.
  const watched = (): Promise<unknown> => (outcome = run()).then(() => undefined);
  channel.tracePromise(watched, trace).catch(() => undefined);
  return outcome;
}

/** Publishes a client's attempts to connect, and the ends of its sessions. */
export class ConnectionTraces {
  readonly #client: string;
  #endAttempt: ((error?: QmpError) => void) | undefined;
  #ready: Extract<ConnectionState, { phase: 'ready' }> | undefined;

  constructor(client: string) {
    this.#client = client;
  }

  /** Is told of each state of the client, in order. */
  changed(state: ConnectionState): void {
    switch (state.phase) {
      case 'connecting':
      case 'negotiating':
        this.#endAttempt ??= attempt({ client: this.#client, attempt: state.attempt });
        return;
      case 'ready':
        this.#endAttempt?.();
        this.#ready = state;
        break;
      case 'reconnecting':
      case 'closed': {
        const { cause = new StateError(`${this.#client}: disconnected by the program`, { phase: 'closed' }) } = state;
        this.#endAttempt?.(cause);
        this.#tellEnd(state);
      }
    }
    this.#endAttempt = undefined;
  }

  #tellEnd({ cause, shutdown }: { readonly cause?: QmpError; readonly shutdown?: Shutdown }): void {
    if (this.#ready && sessionEnd?.hasSubscribers) {
      const { session, since } = this.#ready;
      const trace: SessionEndTrace = {
        client: this.#client,
        session,
        since,
        ...(cause && { cause }),
        ...(shutdown && { shutdown }),
      };
      sessionEnd.publish(trace);
    }
    this.#ready = undefined;
  }
}

/** Begins to tell of an attempt; the function returned ends that. */
function attempt(trace: ConnectTrace): (error?: QmpError) => void {
  let end!: (error?: QmpError) => void;
  traced(
    connecting,
    trace,
    () =>
      new Promise<void>((resolve, reject) => {
        end = (error) => {
          if (error) reject(error);
          else resolve();
        };
      }),
  ).catch(() => undefined);
  return end;
}
