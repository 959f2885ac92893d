import { DestroyRef, inject, type Provider } from '@angular/core';
import type { Connector } from '../transport/connection.js';
import type { QmpClientOptions } from '../client/options.js';
import { QmpClient } from '../client/qmp-client.js';
import { injectIsServer, injectOutsideZone, unopened } from './platform.js';

/**
 * Provides a {@link QmpClient}, for an application, a route or a component: `injectQmp()` gets it.
 *
 * It connects when it is first injected, connects again whenever the connection is lost, and is closed with the injector that
 * provides it. A failure is a state (`injectQmpState()`), never an error. Sockets are opened and heard outside the Angular
 * zone, if there is one. Where a page is rendered on a server, `connector` is not called and nothing is opened.
 *
 * ```ts
 * bootstrapApplication(App, { providers: [provideQmp(() => webSocket('wss://hub.example/vms/vm1', { token }))] });
 * ```
 *
 * @param connector is called once, in an injection context, when the client is first injected
 */
export function provideQmp(connector: () => Connector, options: QmpClientOptions = {}): Provider[] {
  return [
    {
      provide: QmpClient,
      useFactory: (): QmpClient => {
        const isServer = injectIsServer();
        const outsideZone = injectOutsideZone();
        const destroyRef = inject(DestroyRef);
        const client = outsideZone(() =>
          isServer
            ? new QmpClient(unopened, { ...options, reconnect: false })
            : keepConnected(new QmpClient(connector(), { reconnect: true, ...options })),
        );
        destroyRef.onDestroy(() => void client.close());
        return client;
      },
    },
  ];
}

/** Connects for as long as the client lives. How that goes is in its state, an end for good included. */
export function keepConnected(client: QmpClient): QmpClient {
  client.connect().catch(() => undefined);
  return client;
}
