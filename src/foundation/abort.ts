const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `onAbort` when the signal aborts, unless the returned function was called before. All callers of one signal share a
 * single listener on it: Node warns of a leak from the eleventh on.
 *
 * A signal that has aborted already calls nobody: check `signal.aborted` first.
 */
export function whenAborted(signal: AbortSignal, onAbort: () => void): () => void {
  const callbacks = waiting.get(signal) ?? share(signal);
  callbacks.add(onAbort);
  return () => callbacks.delete(onAbort);
}

function share(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  waiting.set(signal, callbacks);
  signal.addEventListener(
    'abort',
    () => {
      for (const callback of callbacks) callback();
    },
    { once: true },
  );
  return callbacks;
}
