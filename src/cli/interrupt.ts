/** Aborts on Ctrl-C, and when whoever reads the output has gone (`| head`), which is no error. */
export function interruptSignal(): AbortSignal {
  const interrupt = new AbortController();
  const end = (): void => {
    interrupt.abort();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end);
  return interrupt.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
