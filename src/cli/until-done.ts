import type { Observable } from 'rxjs';
import { whenAborted } from '../foundation/abort.js';

/** Gives each value to `show`; resolves when the source completes, rejects when it fails or with the signal's reason. */
export function untilDone<T>(source$: Observable<T>, signal: AbortSignal, show: (value: T) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const showing = source$.subscribe({ next: show, error: reject, complete: resolve });
    showing.add(
      whenAborted(signal, () => {
        showing.unsubscribe();
        reject(signal.reason as Error);
      }),
    );
  });
}
