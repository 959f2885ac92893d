import { computed, signal, type Signal } from '@angular/core';
import type { CommandResult, ExecuteParameters, KnownCommand } from '../client/execute-types.js';
import type { QmpClient } from '../client/qmp-client.js';
import { DisconnectedError, ExecInterruptedError, StateError } from '../protocol/errors.js';
import type { OpenName } from '../protocol/event-names.js';
import type { EventName } from '../protocol/message.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';
import { injectWatched, type InjectClientOptions, type Watch } from './inject-watched.js';
import { injectFrom } from './injection.js';

/** What a command last returned. */
export interface QmpQuery<T> {
  /** The last answer; it stays while the command is asked again, refused, or there is no session. Undefined before the first. */
  readonly value: Signal<T | undefined>;
  /** Why the last attempt failed: QEMU refused, or did not answer in time. Undefined again after the next answer. */
  readonly error: Signal<unknown>;
  /** True while an answer is awaited. */
  readonly isPending: Signal<boolean>;
}

/** The options of a query, with `args` where the command takes any. */
export type InjectQmpQueryOptions<C extends string> = InjectClientOptions & {
  /** The events after which it is asked again. @default none: it is asked once in each session */
  readonly after?: EventName | readonly EventName[];
} & (undefined extends ExecuteParameters<C>[0]
    ? { readonly args?: ExecuteParameters<C>[0] }
    : { readonly args: ExecuteParameters<C>[0] });

/**
 * What a command returns, as signals: asked whenever a session is ready, and again after each of the events in `after`. Several
 * events while an answer is awaited lead to one more question. Nothing is asked while there is no session, and a session that ends
 * is no error: the client's state tells it. It stops with the injection context.
 *
 * ```ts
 * readonly status = injectQmpQuery('query-status', { after: ['STOP', 'RESUME'] });
 * // in the template: {{ status.value()?.status }}
 * ```
 */
export function injectQmpQuery<const C extends keyof CommandMap | OpenName>(
  command: KnownCommand<C>,
  ...rest: undefined extends ExecuteParameters<C>[0]
    ? [options?: InjectQmpQueryOptions<C>]
    : [options: InjectQmpQueryOptions<C>]
): QmpQuery<CommandResult<C>> {
  const { client, injector, args, after = [] } = (rest[0] ?? {}) as InjectQmpQueryOptions<string>;
  return injectFrom(injectQmpQuery, injector, () => {
    const asked = injectWatched(client, (from) =>
      watchAnswers<CommandResult<C>>(
        from,
        (signal) => from.execute<string>(command, args, { signal }) as Promise<CommandResult<C>>,
        typeof after === 'string' ? [after] : after,
      ),
    );
    return {
      value: computed(() => asked().value),
      error: computed(() => asked().error),
      isPending: computed(() => asked().isPending),
    };
  });
}

interface Answer<T> {
  readonly value?: T;
  readonly error?: unknown;
  readonly isPending: boolean;
}

function watchAnswers<T>(
  client: QmpClient,
  ask: (signal: AbortSignal) => Promise<T>,
  after: readonly EventName[],
): Watch<Answer<T>> {
  const answer = signal<Answer<T>>({ isPending: false });
  const stopped = new AbortController();
  let isPending = false;
  let wanted = 0;
  let answered = 0;
  const isOutdated = (): boolean => answered < wanted;
  const refresh = async (): Promise<void> => {
    // What is on its way may be older than the event: it is asked once more.
    wanted += 1;
    if (isPending) return;
    isPending = true;
    answer.update((last) => ({ ...last, isPending }));
    while (isOutdated() && client.state.phase === 'ready' && !stopped.signal.aborted) {
      answered = wanted;
      const next = await outcome(ask(stopped.signal), stopped.signal);
      if (next) answer.update((last) => ({ ...last, error: undefined, ...next, isPending }));
    }
    isPending = false;
    answer.update((last) => ({ ...last, isPending }));
  };
  const refreshIfReady = (): void => {
    if (client.state.phase === 'ready') void refresh();
  };
  const states = client.state$.subscribe(refreshIfReady);
  // An empty list would hear every event. It keeps nothing, and outlives sessions, as an observe() does not.
  const events = after.length > 0 ? client.listener(after, undefined, { queueLimit: 0, historyLimit: 0 }) : undefined;
  const heard = events?.events$.subscribe(refreshIfReady);
  return {
    value: answer.asReadonly(),
    stop: () => {
      states.unsubscribe();
      heard?.unsubscribe();
      events?.close();
      stopped.abort();
    },
  };
}

/** Nothing for what is no answer: the session ended, or nobody wants it any more. */
async function outcome<T>(
  asked: Promise<T>,
  signal: AbortSignal,
): Promise<{ value: T } | { error: unknown } | undefined> {
  try {
    return { value: await asked };
  } catch (error) {
    const unanswered = [DisconnectedError, ExecInterruptedError, StateError].some((kind) => error instanceof kind);
    return unanswered || signal.aborted ? undefined : { error };
  }
}
