import { computed, signal, untracked, type Signal } from '@angular/core';
import type { CommandResult, ExecuteParameters, KnownCommand } from '../client/execute-types.js';
import type { OpenName } from '../protocol/event-names.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';
import { injectQmp } from './inject-qmp.js';
import type { InjectClientOptions } from './inject-watched.js';
import { injectFrom } from './injection.js';

/** A command for a button. */
export interface QmpCommand<C extends string> {
  /**
   * Runs it. Never rejects, so that a template may call it: resolves with what QEMU returned, or with undefined where it failed, and
   * then {@link error} says why.
   */
  run(...parameters: ExecuteParameters<C>): Promise<CommandResult<C> | undefined>;
  /** True while an answer is awaited. */
  readonly isPending: Signal<boolean>;
  /** Why the last run failed; undefined from the start of the next. */
  readonly error: Signal<unknown>;
}

/**
 * A command of the client of {@link injectQmp}, or of `client`, which may be a function and is asked at each run.
 *
 * ```ts
 * readonly stop = injectQmpCommand('stop');
 * // in the template: <button (click)="stop.run()" [disabled]="stop.isPending()">Stop</button>
 * ```
 */
export function injectQmpCommand<const C extends keyof CommandMap | OpenName>(
  command: KnownCommand<C>,
  options: InjectClientOptions = {},
): QmpCommand<C> {
  return injectFrom(injectQmpCommand, options.injector, () => {
    const given = options.client ?? injectQmp();
    const running = signal(0);
    const error = signal<unknown>(undefined);
    return {
      isPending: computed(() => running() > 0),
      error: error.asReadonly(),
      async run(...parameters) {
        running.update((count) => count + 1);
        error.set(undefined);
        try {
          const client = typeof given === 'function' ? untracked(given) : given;
          const [args, executeOptions] = parameters as [object?, object?];
          return (await client.execute<string>(command, args, executeOptions)) as CommandResult<C>;
        } catch (reason) {
          error.set(reason);
          return undefined;
        } finally {
          running.update((count) => count - 1);
        }
      },
    };
  });
}
