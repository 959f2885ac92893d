import { assertInInjectionContext, runInInjectionContext, type Injector } from '@angular/core';

/** The option of a call outside an injection context. */
export interface InjectOptions {
  /** Where to inject from, outside an injection context. @default the current one */
  readonly injector?: Injector;
}

/** Runs `fn` in the given injector, or in the injection context that the caller is in. */
export function injectFrom<T>(caller: (...args: never[]) => unknown, injector: Injector | undefined, fn: () => T): T {
  if (injector) return runInInjectionContext(injector, fn);
  assertInInjectionContext(caller);
  return fn();
}
