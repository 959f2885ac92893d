import { inject } from '@angular/core';
import { QmpClient } from '../client/qmp-client.js';
import { injectFrom, type InjectOptions } from './injection.js';

/**
 * The client of the nearest {@link provideQmp}, connecting or connected. Do not close it: its injector does.
 *
 * @throws Error outside an injection context without `injector`, and where nothing is provided
 */
export function injectQmp(options: InjectOptions = {}): QmpClient {
  return injectFrom(injectQmp, options.injector, () => {
    const client = inject<QmpClient>(QmpClient, { optional: true });
    if (!client) throw new Error('there is no QmpClient here: add provideQmp(() => connector) to the providers');
    return client;
  });
}
