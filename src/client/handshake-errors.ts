import { GreetingError, NegotiationError } from '../protocol/errors.js';

/** Nothing came within so many milliseconds. */
export function ungreeted(name: string, time: number): GreetingError {
  return new GreetingError(
    `${name}: connected, but not greeted within ${time} ms: a monitor serves one client at a time, so another one may hold ` +
      'it; or QEMU is stopped, or this is no QMP monitor',
  );
}

/** The greeting came, and then no answer within so many milliseconds. */
export function unanswered(name: string, time: number): NegotiationError {
  return new NegotiationError(
    `${name}: greeted, but qmp_capabilities was not answered within ${time} ms: QEMU may be stopped or busy; over TLS, ` +
      'QEMU 7.2 never answers: put a TLS terminator in front of its unix socket',
  );
}

/** It ended before anything came. */
export function hungUp(name: string, how: string, cause: unknown): GreetingError {
  return new GreetingError(
    `${name}: closed before any greeting came (${how}); is this a QMP monitor? Over TLS, a server that refuses the client's ` +
      'certificate, or misses one, ends in this way',
    { cause },
  );
}

/** Something else came first. */
export function notQmp(name: string, why: string): GreetingError {
  return new GreetingError(
    `${name}: the first line is not a QMP greeting: ${why}; is this a QMP monitor (-qmp), not -monitor?`,
  );
}
