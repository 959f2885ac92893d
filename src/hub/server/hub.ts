/// <reference lib="esnext.disposable" preserve="true" />
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Connector } from '../../transport/connection.js';
import { disposeBy } from '../../foundation/disposal.js';
import { StateError } from '../../protocol/errors.js';
import type { VmInfo } from '../protocol.js';
import { address, type Address } from '../../transport/node/address.js';
import { Counters } from '../../gateway/counters.js';
import { Admission } from './admission.js';
import { Vms } from '../../gateway/vms.js';
import { SocketFolder } from '../../gateway/socket-folder.js';
import { checkOptions, isLoopback, limitsOf, type HubOptions } from './options.js';
import { Requests } from './requests.js';
import { newToken } from './tokens.js';

/** Connections that are no WebSockets: whoever asks for `/vms`, or says nothing at all. */
const SPARE_CONNECTIONS = 100;
/** Milliseconds to say what is wanted. */
const REQUEST_TIMEOUT = 10_000;

/** A hub that listens. */
export interface Hub extends AsyncDisposable {
  /** Where: `http://127.0.0.1:8765`, or `https:` with TLS. */
  readonly url: string;
  readonly port: number;
  /** The operator's token that was made because none was given. */
  readonly token: string | undefined;
  /** The VMs, as `/vms` has them. */
  readonly vms: readonly VmInfo[];
  /** Adds a VM while the hub runs. @throws TypeError if the name is taken or unfit, or the address is none */
  add(name: string, where: Connector | Address | (string & {})): void;
  /** Forgets a VM; its clients are told. Does nothing where there is none of that name. */
  remove(name: string): Promise<void>;
  /** Ends everything; idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a hub: one client for each VM, which any number of WebSocket clients share. See docs/hub.md for what it speaks, and
 * for what it lets its operators do to the host.
 *
 * ```ts
 * const hub = await createHub({ vms: { vm1: 'unix:/run/vm1.qmp' }, allow: ['stop', 'cont'] });
 * console.log(hub.url, hub.token);
 * ```
 *
 * A VM that cannot be reached is no error: it is tried again and again. Rejects if the options are unsafe or make no sense
 * (`TypeError`), the address is taken, or there is no such folder.
 */
export async function createHub(options: HubOptions = {}): Promise<Hub> {
  checkOptions(options);
  const limits = limitsOf(options);
  const { host = '127.0.0.1', port = 8765, allow = [], hostNames = [], origins = [], logger, tls } = options;
  const token = options.tokens || options.noToken ? undefined : newToken();
  const tokens = token === undefined ? options.tokens : [{ role: 'operator' as const, token }];
  const admission = new Admission({ hostNames, origins, tokens });
  const connectors = Object.entries(options.vms ?? {}).map(([name, where]) => [name, connectorOf(where)] as const);
  const vms = new Vms(limits, logger);
  const { behindProxy = false } = options;
  const requests = new Requests({ admission, vms, counters: new Counters(), limits, allow, behindProxy, logger });
  const answer: RequestListener = (request, response) => {
    requests.request(request, response);
  };
  const settings = {
    handshakeTimeout: REQUEST_TIMEOUT,
    headersTimeout: REQUEST_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionsCheckingInterval: 1_000,
  };
  const server = tls ? createTlsServer({ ...settings, ...tls }, answer) : createServer(settings, answer);
  server.maxConnections = limits.clients + SPARE_CONNECTIONS;
  server.on('upgrade', (...request) => {
    requests.upgrade(...request);
  });
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  const bound = await listen(server, host, port);
  const folder = options.dir === undefined ? undefined : new SocketFolder(options.dir, vms, logger);
  const hub = new RunningHub({
    token,
    vms,
    folder,
    requests,
    server,
    connections,
    bound,
    secure: tls !== undefined,
  });
  server.on('error', (error) => logger?.warn(`${hub.url}: ${error.message}`));
  try {
    if (isLoopback(host) && !isLoopback(bound.address))
      throw new TypeError(`${host} is ${bound.address} here, which is not loopback`);
    for (const [name, connector] of connectors) vms.add(name, connector);
    await folder?.start();
    return hub;
  } catch (error) {
    await hub.close();
    throw error;
  }
}

interface Parts {
  readonly token: string | undefined;
  readonly vms: Vms;
  readonly folder: SocketFolder | undefined;
  readonly requests: Requests;
  readonly server: Server;
  readonly connections: ReadonlySet<Socket>;
  readonly bound: AddressInfo;
  readonly secure: boolean;
}

class RunningHub implements Hub {
  readonly url: string;
  readonly port: number;
  readonly token: string | undefined;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #parts: Parts;
  #closed: Promise<void> | undefined;

  constructor(parts: Parts) {
    const { address: host, port } = parts.bound;
    this.url = `${parts.secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.port = port;
    this.token = parts.token;
    this.#parts = parts;
  }

  get vms(): readonly VmInfo[] {
    return this.#parts.vms.list;
  }

  add(name: string, where: Connector | string): void {
    if (this.#closed) throw new StateError(`${this.url}: the hub is closed`);
    this.#parts.vms.add(name, connectorOf(where));
  }

  remove(name: string): Promise<void> {
    return this.#parts.vms.remove(name);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { folder, vms, requests, server, connections } = this.#parts;
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    await requests.close();
    for (const connection of connections) connection.destroy();
    await folder?.close();
    await vms.close();
    await closed;
  }

  static {
    disposeBy(this, 'close', 'asyncDispose');
  }
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

function connectorOf(where: Connector | string): Connector {
  return typeof where === 'function' ? where : address(where);
}
