import { DestroyRef, inject, type Provider } from '@angular/core';
import { HubClient, type HubClientOptions } from '../hub/client/hub-client.js';
import { injectIsServer, injectOutsideZone } from './platform.js';
import { SharedHub } from './shared-hub.js';

/**
 * Provides the VMs of an `rx-qmp hub`: `injectQmpHub()` gets them.
 *
 * It connects when it is first injected, connects again whenever the connection is lost, and is closed with the injector that
 * provides it. Where a page is rendered on a server nothing is opened.
 *
 * ```ts
 * provideQmpHub('wss://hub.example', { token });
 * provideQmpHub(() => new HubClient('wss://hub.example', { token: inject(Login).token }));
 * ```
 *
 * @param hub its url, or a function that makes the client; called once, in an injection context, when it is first injected
 */
export function provideQmpHub(hub: string | (() => HubClient), options?: HubClientOptions): Provider[] {
  return [
    {
      provide: SharedHub,
      useFactory: (): SharedHub => {
        const isServer = injectIsServer();
        const outsideZone = injectOutsideZone();
        const destroyRef = inject(DestroyRef);
        const open = typeof hub === 'string' ? (): HubClient => new HubClient(hub, options) : hub;
        const shared = new SharedHub(isServer ? undefined : outsideZone(open), outsideZone);
        destroyRef.onDestroy(() => void shared.close());
        return shared;
      },
    },
  ];
}
