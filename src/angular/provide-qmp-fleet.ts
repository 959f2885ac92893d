import { DestroyRef, inject, type Provider } from '@angular/core';
import { FleetClient } from '../fleet/client/fleet-client.js';
import type { NatsConnection } from '../fleet/client/fleet-types.js';
import { injectIsServer, injectOutsideZone } from './platform.js';
import { SharedFleet, type OpenFleet } from './shared-fleet.js';

/**
 * Provides the VMs of a fleet, over NATS: `injectQmpFleet()` gets them.
 *
 * It connects when it is first injected, and the connection is closed with the injector that provides it. Where a page is
 * rendered on a server nothing is opened.
 *
 * ```ts
 * provideQmpFleet(() => wsconnect({ servers: 'wss://nats.example', maxReconnectAttempts: -1, …inject(Login).nats }));
 * ```
 *
 * @param connect called once, in an injection context; what it rejects with is the `cause` of the state
 */
export function provideQmpFleet(connect: () => Promise<NatsConnection>): Provider[] {
  return [
    {
      provide: SharedFleet,
      useFactory: (): SharedFleet => {
        const isServer = injectIsServer();
        const outsideZone = injectOutsideZone();
        const destroyRef = inject(DestroyRef);
        const shared = new SharedFleet(isServer ? undefined : outsideZone(() => open(connect())), outsideZone);
        destroyRef.onDestroy(() => void shared.close());
        return shared;
      },
    },
  ];
}

async function open(connecting: Promise<NatsConnection>): Promise<OpenFleet> {
  const nats = await connecting;
  const fleet = new FleetClient(nats);
  return {
    fleet,
    close: async () => {
      await fleet.close();
      await nats.close();
    },
  };
}
