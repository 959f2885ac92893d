import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import type { Logger } from '../../foundation/logger.js';
import { excerpt } from '../../protocol/framing.js';
import { ClientSocket } from './client-socket.js';
import type { Counters, RefusalCause } from '../../gateway/counters.js';
import { isBearer, type Admission } from './admission.js';
import type { Vms } from '../../gateway/vms.js';
import { pathOf, refuseUpgrade, respond, routeOf, type Route } from './http.js';
import { metricsText } from './metrics.js';
import type { HubLimits } from './options.js';
import { Rights } from '../../gateway/rights.js';
import type { Role } from './tokens.js';

export interface RequestsOptions {
  readonly admission: Admission;
  readonly vms: Vms;
  readonly counters: Counters;
  readonly limits: HubLimits;
  readonly allow: readonly string[];
  readonly behindProxy: boolean;
  readonly logger: Logger | undefined;
}

interface Refusal {
  readonly kind: RefusalCause;
  readonly status: number;
  readonly message: string;
}

/** Milliseconds for the answer to a closing frame. */
const CLOSE_TIMEOUT = 5_000;
/** The same when the hub itself closes. */
const CLOSE_GRACE = 500;

/** Takes each request past admission to what it asks for. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #webSockets: WebSocketServer;
  readonly #clients = new Set<ClientSocket>();

  constructor(options: RequestsOptions) {
    this.#options = options;
    // The declarations lack `closeTimeout`.
    const settings: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload: options.limits.frameBytes,
      // A small compressed frame may become a large one.
      perMessageDeflate: false,
      handleProtocols: select,
      closeTimeout: CLOSE_TIMEOUT,
    };
    this.#webSockets = new WebSocketServer(settings);
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    const route = routeOf(request);
    const refusal = this.#refuseAtDoor(request, route) ?? unreadable(request, route);
    if (refusal) {
      this.#count(request, refusal);
      respond(response, refusal.status, refusal.message);
      return;
    }
    this.#log(request, '200');
    const { vms, counters } = this.#options;
    if (route.kind === 'vms') respond(response, 200, `${JSON.stringify(vms.list)}\n`, 'application/json');
    else if (route.kind === 'metrics') respond(response, 200, metricsText(vms, counters), 'text/plain; version=0.0.4');
    else respond(response, 200, 'ok\n');
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Whoever has gone before the answer needs none.
    socket.on('error', () => undefined);
    const route = routeOf(request);
    const refusal = this.#refuseAtDoor(request, route) ?? this.#unavailable(route);
    if (refusal) {
      this.#count(request, refusal);
      refuseUpgrade(socket, refusal.status, refusal.message);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#serve(request, route, webSocket);
    });
  }

  /** Tells the clients, and waits a moment for them to hear it. */
  async close(): Promise<void> {
    const clients = [...this.#clients];
    for (const client of clients) client.close(1001, 'the hub closes');
    const timer = setTimeout(() => {
      for (const client of clients) client.terminate();
    }, CLOSE_GRACE);
    await Promise.all(clients.map((client) => client.closed));
    clearTimeout(timer);
  }

  /** What is needed depends on nothing but the request, and on the path only for `/healthz`, which needs no token. */
  #refuseAtDoor(request: IncomingMessage, route: Route): Refusal | undefined {
    const { admission } = this.#options;
    const refusal = admission.checkTarget(request);
    if (refusal || route.kind === 'healthz') return refusal;
    const admitted = admission.admit(request);
    return typeof admitted === 'object' ? admitted : undefined;
  }

  #unavailable(route: Route): Refusal | undefined {
    if (this.#clients.size >= this.#options.limits.clients)
      return { kind: 'full', status: 503, message: 'too many clients' };
    if (route.kind === 'events') return undefined;
    const vm = route.kind === 'vm' ? this.#options.vms.get(route.name) : undefined;
    if (!vm) return { kind: 'not-found', status: 404, message: 'there is no such VM' };
    if (vm.client.greeting) return undefined;
    return {
      kind: 'not-running',
      status: 503,
      message: `the VM is ${vm.info.state}: ${vm.info.reason ?? 'not reached yet'}`,
    };
  }

  #serve(request: IncomingMessage, route: Route, webSocket: WebSocket): void {
    const { admission, vms, limits, counters, logger, allow } = this.#options;
    const role = admission.admit(request) as Role;
    const client = new ClientSocket(webSocket, {
      limits,
      log: (line) => {
        logger?.warn(`${this.#describe(request)}: ${line}`);
      },
      counters,
    });
    this.#clients.add(client);
    void client.closed.then((code) => {
      this.#clients.delete(client);
      this.#log(request, `closed with ${code}`);
    });
    this.#log(request, role);
    const rights = new Rights(role, allow);
    if (route.kind === 'vm') vms.get(route.name)?.serve(client, rights);
    else vms.watch(client, rights);
  }

  #count(request: IncomingMessage, { kind, status, message }: Refusal): void {
    this.#options.counters.refused(kind);
    this.#options.logger?.warn(`${this.#describe(request)}: ${status}: ${message}`);
  }

  #log(request: IncomingMessage, outcome: string): void {
    this.#options.logger?.debug(`${this.#describe(request)}: ${outcome}`);
  }

  /** Who asks for what; never the query, where somebody may have put a token. */
  #describe(request: IncomingMessage): string {
    const forwarded = this.#options.behindProxy ? request.headers['x-forwarded-for'] : undefined;
    // The last address is the one that our proxy saw; those before it anybody may have made up.
    const peer =
      forwarded?.toString().split(',').at(-1)?.trim() ?? request.socket.remoteAddress ?? 'somebody who has gone';
    return `${excerpt(peer).slice(1, -1)} ${request.method ?? ''} ${excerpt(pathOf(request)).slice(1, -1)}`;
  }
}

function unreadable(request: IncomingMessage, { kind }: Route): Refusal | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { kind: 'bad-request', status: 405, message: 'GET only' };
  if (kind === 'unknown') return { kind: 'not-found', status: 404, message: 'there is nothing here' };
  if (kind === 'vm' || kind === 'events') return { kind: 'bad-request', status: 426, message: 'this is a WebSocket' };
  return undefined;
}

/** Never the subprotocol with the token, which would send it back. */
function select(protocols: Set<string>): string | false {
  return [...protocols].find((protocol) => !isBearer(protocol)) ?? false;
}
