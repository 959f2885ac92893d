import { WebSocket } from 'ws';
import type { Connector } from '../connection.js';
import { webSocket as webSocketOf, type WebSocketClass, type WebSocketOptions } from '../web-socket.js';

/** Node's own WebSocket, from version 22 on; before it that of the package `ws`. */
export function webSocketClass(): WebSocketClass {
  return (globalThis as { WebSocket?: WebSocketClass }).WebSocket ?? WebSocket;
}

/**
 * Connects to a VM of the hub, on every Node that is supported: `webSocket('wss://hub.example/vms/vm1', { token })`. Otherwise the
 * same as that of `rx-qmp`.
 *
 * @throws TypeError if the address or the token is not valid
 */
export function webSocket(url: string, options: WebSocketOptions = {}): Connector {
  return webSocketOf(url, { ...options, WebSocket: options.WebSocket ?? webSocketClass() });
}
