/**
 * @param onRejection takes what the promise rejects with, so that it is no unhandled rejection
 * @throws TypeError if `result` is a promise: it would count as a yes
 */
export function checkSynchronous(who: string, result: unknown, onRejection: (error: unknown) => void): void {
  if (!isThenable(result)) return;
  result.then(undefined, onRejection);
  throw new TypeError(`${who} returned a promise; it must decide at once`);
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
