import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Requests } from './requests.js';

/** Connections that are no WebSockets: whoever asks for `/vms`, or says nothing at all. */
const SPARE_CONNECTIONS = 100;
/** Milliseconds to say what is wanted. */
const REQUEST_TIMEOUT = 5_000;
/** Connections from one address that have not shown a token yet. */
const STRANGERS_PER_ADDRESS = 50;

export interface WebServerOptions {
  readonly requests: Requests;
  /** WebSockets at one time. */
  readonly clients: number;
  /** All connections come from the proxy's address then. */
  readonly behindProxy: boolean;
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer } | undefined;
}

/** The port that the hub listens on, and every connection to it. */
export class WebServer {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  /** Those that have not shown a token, with their address. */
  readonly #strangers = new Map<Socket, string>();
  readonly #strangersFrom = new Map<string, number>();
  readonly #scheme: 'http' | 'https';

  constructor({ requests, clients, behindProxy, tls }: WebServerOptions) {
    const answer: RequestListener = (request, response) => {
      requests.request(request, response);
    };
    const settings = {
      handshakeTimeout: REQUEST_TIMEOUT,
      headersTimeout: REQUEST_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      connectionsCheckingInterval: 1_000,
    };
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createTlsServer({ ...settings, ...tls }, answer) : createServer(settings, answer);
    this.#server.maxConnections = clients + SPARE_CONNECTIONS;
    this.#server.on('upgrade', (...request) => {
      requests.upgrade(...request);
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.once('close', () => {
        this.#connections.delete(socket);
        this.admitted(socket);
      });
      if (!behindProxy) this.#countStranger(socket);
    });
  }

  /** The connection has shown a token, or has ended. */
  admitted(socket: Socket): void {
    const address = this.#strangers.get(socket);
    if (address === undefined) return;
    this.#strangers.delete(socket);
    const left = (this.#strangersFrom.get(address) ?? 0) - 1;
    if (left > 0) this.#strangersFrom.set(address, left);
    else this.#strangersFrom.delete(address);
  }

  /** Where it listens. */
  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** Where it listens, for people and clients. */
  get url(): string {
    const { address, port } = this.address;
    return `${this.#scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
  }

  /** Resolves when it listens. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** @param report is told of what goes wrong while it listens */
  onError(report: (error: Error) => void): void {
    this.#server.on('error', report);
  }

  /** Another certificate, for connections to come. @throws Error if it is not valid */
  setTls(tls: NonNullable<WebServerOptions['tls']>): void {
    if (!('setSecureContext' in this.#server)) throw new TypeError(`${this.url}: the hub was started without TLS`);
    (this.#server as TlsServer).setSecureContext(tls);
  }

  /** Takes no more connections. Resolves when those that are there have ended, see {@link dropConnections}. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #countStranger(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const strangers = this.#strangersFrom.get(address) ?? 0;
    if (strangers >= STRANGERS_PER_ADDRESS) {
      socket.destroy();
      return;
    }
    this.#strangersFrom.set(address, strangers + 1);
    this.#strangers.set(socket, address);
  }

  dropConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
