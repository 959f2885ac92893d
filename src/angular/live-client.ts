import type { QmpClient } from '../client/qmp-client.js';

/** Connects for as long as the client lives. How that goes is in its state, an end for good included. */
export function keepConnected(client: QmpClient): QmpClient {
  client.connect().catch(() => undefined);
  return client;
}
