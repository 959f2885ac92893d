import { inject, type Provider } from '@angular/core';
import type { QmpClientOptions } from '../client/options.js';
import { FakeQemu } from '../testing/fake-qemu.js';
import { provideQmp } from './provide-qmp.js';

/**
 * Provides what `provideQmp` does, over a {@link FakeQemu} instead of a connection, and the FakeQemu itself. The client
 * connects again without delay.
 *
 * ```ts
 * TestBed.configureTestingModule({ providers: [provideQmpTesting()] });
 * TestBed.inject(FakeQemu).emit('STOP');
 * ```
 *
 * @param qemu a scripted one. @default a fresh one for each injector
 */
export function provideQmpTesting(qemu?: FakeQemu, options: QmpClientOptions = {}): Provider[] {
  return [
    { provide: FakeQemu, useFactory: (): FakeQemu => qemu ?? new FakeQemu() },
    provideQmp(() => inject(FakeQemu).connector, { reconnect: { delay: () => 0 }, ...options }),
  ];
}
