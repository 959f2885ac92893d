import { webSocketClass } from '../../transport/node/web-socket.js';
import { HubClient as AnyHubClient, type HubClientOptions } from '../client/hub-client.js';

/** The `HubClient` of `rx-qmp` with a WebSocket on every Node that is supported: Node's own, or before version 22 that of `ws`. */
export class HubClient extends AnyHubClient {
  /** @param url of the hub, as it prints it: `https://hub.example`, `ws://127.0.0.1:8765` */
  constructor(url: string, options: HubClientOptions = {}) {
    super(url, { ...options, WebSocket: options.WebSocket ?? webSocketClass() });
  }
}
