import {
  createEnvironmentInjector,
  DestroyRef,
  Injector,
  type DestroyableInjector,
  type EnvironmentInjector,
  type Provider,
} from '@angular/core';

const open = new Set<DestroyableInjector>();

/** An injector without a platform, an application or a DOM. */
export function injectorOf(...providers: Provider[]): DestroyableInjector {
  return childOf(Injector.NULL, ...providers);
}

export function childOf(parent: Injector, ...providers: Provider[]): DestroyableInjector {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Angular's interface extends a class
  const injector: DestroyableInjector = createEnvironmentInjector(providers, parent as unknown as EnvironmentInjector);
  open.add(injector);
  injector.get(DestroyRef).onDestroy(() => open.delete(injector));
  return injector;
}

/** Destroys what was made here and is still there, the youngest first. */
export function destroyInjectors(): void {
  for (const injector of [...open].reverse()) injector.destroy();
}
