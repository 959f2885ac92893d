import type { Observable } from 'rxjs';

/** Reads an Observable by `for await`. */
export async function* pulled<T>(source$: Observable<T>): AsyncGenerator<T, undefined> {
  const held: T[] = [];
  const over = new AbortController();
  let wake: () => void = () => undefined;
  const subscription = source$.subscribe({
    next: (value) => {
      held.push(value);
      wake();
    },
    complete: () => {
      over.abort();
      wake();
    },
  });
  try {
    for (;;) {
      for (const value of held.splice(0)) yield value;
      if (over.signal.aborted) return undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    subscription.unsubscribe();
  }
}
