const waiting = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>();

/**
 * Calls `onAbort` with the signal's reason when it aborts, unless the returned function was called before. All callers of one
 * signal share a single listener on it: Node warns of a leak from the eleventh on.
 *
 * A signal that has aborted already calls nobody: check `signal.aborted` first.
 */
export function whenAborted(signal: AbortSignal | undefined, onAbort: (reason: unknown) => void): () => void {
  if (!signal) return () => undefined;
  const callbacks = waiting.get(signal) ?? share(signal);
  callbacks.add(onAbort);
  return () => callbacks.delete(onAbort);
}

/** The same, and after `timeout` milliseconds, Infinity allowed, calls it with the error that `late` makes. */
export function whenOver(
  signal: AbortSignal | undefined,
  timeout: number,
  late: () => Error,
  onOver: (reason: unknown) => void,
): () => void {
  const stopWatching = whenAborted(signal, onOver);
  const timer =
    timeout === Infinity
      ? undefined
      : setTimeout(() => {
          onOver(late());
        }, timeout);
  return () => {
    clearTimeout(timer);
    stopWatching();
  };
}

function share(signal: AbortSignal): Set<(reason: unknown) => void> {
  const callbacks = new Set<(reason: unknown) => void>();
  waiting.set(signal, callbacks);
  signal.addEventListener(
    'abort',
    () => {
      for (const callback of callbacks) callback(signal.reason);
    },
    { once: true },
  );
  return callbacks;
}
