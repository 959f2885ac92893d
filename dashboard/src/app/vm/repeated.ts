import { toObservable, toSignal } from '@angular/core/rxjs-interop';
import type { Signal } from '@angular/core';
import { catchError, defer, distinctUntilChanged, EMPTY, exhaustMap, map, of, scan, switchMap, timer } from 'rxjs';
import type { QmpClient } from 'rx-qmp';

/** What was last answered, or why nothing was. */
export interface Answer<T> {
  readonly value?: T;
  readonly error?: string;
}

/**
 * Asks whenever a session is ready and each `period` milliseconds while the page is looked at; the last value stays while it asks
 * again. For what QEMU sends no event about.
 */
export function repeated<T>(
  client: Signal<QmpClient>,
  ask: (client: QmpClient) => Promise<T>,
  period: number,
): Signal<Answer<T>> {
  const answers$ = toObservable(client).pipe(
    switchMap((one) =>
      one.state$.pipe(
        map(({ phase }) => phase === 'ready'),
        distinctUntilChanged(),
        switchMap((ready) => (ready ? timer(0, period) : EMPTY)),
        exhaustMap((turn) =>
          turn > 0 && document.hidden
            ? EMPTY
            : defer(() => ask(one)).pipe(
                map((value): Answer<T> => ({ value })),
                catchError((error: unknown) =>
                  of<Answer<T>>({ error: error instanceof Error ? error.message : String(error) }),
                ),
              ),
        ),
      ),
    ),
    scan<Answer<T>, Answer<T>>((before, now) => ({ ...before, ...now }), {}),
  );
  return toSignal(answers$, { initialValue: {} });
}
