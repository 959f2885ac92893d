import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import type { Logger } from '../../foundation/logger.js';
import { excerpt } from '../../protocol/framing.js';
import { ClientSocket } from './client-socket.js';
import type { Counters } from '../../gateway/counters.js';
import { isRefusal, type Admission, type Refusal } from './admission.js';
import { isBearer } from './bearer.js';
import type { Vm } from '../../gateway/vm.js';
import type { Vms } from '../../gateway/vms.js';
import { pathOf, refuseUpgrade, respond, routeOf, type Route } from './http.js';
import type { DashboardPage } from '../dashboard/page.js';
import { metricsText } from './metrics.js';
import type { HubLimits } from './options.js';
import { rightsOf } from '../../gateway/rights.js';
import type { Role } from '../../gateway/vm-info.js';
import { VmServers } from './vm-servers.js';
import { Watchers } from './watchers.js';

export interface RequestsOptions {
  readonly admission: Admission;
  readonly vms: Vms;
  readonly counters: Counters;
  readonly limits: HubLimits;
  readonly allow: readonly string[];
  readonly behindProxy: boolean;
  /** Is served to everybody, at `/`. */
  readonly page: DashboardPage | undefined;
  readonly logger: Logger | undefined;
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
  readonly #servers = new Map<Vm, VmServers>();
  readonly #watchers: Watchers;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#watchers = new Watchers(options.vms);
    options.vms.subscribe({
      added: (vm) => this.#servers.set(vm, new VmServers(vm, options.limits)),
      removed: (vm) => this.#servers.delete(vm),
    });
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
    const admitted = this.#admit(request, route);
    const { page } = this.#options;
    if (page && this.#isOfPage(request, route) && !isRefusal(admitted)) {
      page.serve(request, response, () => {
        this.#refuse(request, response, NOTHING_HERE);
      });
      return;
    }
    const refusal = isRefusal(admitted) ? admitted : unreadable(request, route);
    if (refusal) {
      this.#refuse(request, response, refusal);
      return;
    }
    this.#log(request, '200');
    const { vms, counters } = this.#options;
    if (route.kind === 'vms') respond(response, 200, `${JSON.stringify(vms.list)}\n`, 'application/json');
    else if (route.kind === 'metrics') {
      respond(response, 200, metricsText(vms, this.#watchers.size, counters), 'text/plain; version=0.0.4');
    } else respond(response, 200, 'ok\n');
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Whoever has gone before the answer needs none.
    socket.on('error', () => undefined);
    const route = routeOf(request);
    const admitted = this.#admit(request, route);
    if (isRefusal(admitted)) {
      this.#refuseUpgrade(request, socket, admitted);
      return;
    }
    const service = this.#serviceOf(route, admitted.role);
    if (isRefusal(service)) {
      this.#refuseUpgrade(request, socket, service);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#log(request, admitted.role);
      service(this.#welcome(request, webSocket));
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
  #admit(request: IncomingMessage, route: Route): { readonly role: Role } | Refusal {
    const { admission } = this.#options;
    const refusal = admission.checkTarget(request);
    if (refusal) return refusal;
    return route.kind === 'healthz' || this.#isOfPage(request, route) ? { role: 'viewer' } : admission.admit(request);
  }

  /** What is no part of the hub's own interface may be a file of the page. */
  #isOfPage(request: IncomingMessage, { kind }: Route): boolean {
    return kind === 'unknown' && isReading(request) && this.#options.page !== undefined;
  }

  /** What is done with the WebSocket of a client that has been admitted. */
  #serviceOf(route: Route, role: Role): ((client: ClientSocket) => void) | Refusal {
    const { limits, vms, allow } = this.#options;
    if (this.#clients.size >= limits.clients) return { cause: 'full', status: 503, message: 'too many clients' };
    const rights = rightsOf(role, allow);
    if (route.kind === 'events') {
      return (client) => {
        this.#watchers.watch(client, rights);
      };
    }
    const vm = route.kind === 'vm' ? vms.get(route.name) : undefined;
    const servers = vm && this.#servers.get(vm);
    if (!servers) return { cause: 'not-found', status: 404, message: 'there is no such VM' };
    const { state, reason = 'not reached yet' } = vm.info;
    if (!vm.greeting) return { cause: 'not-running', status: 503, message: `the VM is ${state}: ${reason}` };
    return (client) => {
      servers.serve(client, rights);
    };
  }

  #welcome(request: IncomingMessage, webSocket: WebSocket): ClientSocket {
    const { limits, counters, logger } = this.#options;
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
    return client;
  }

  #refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
    this.#count(request, refusal);
    respond(response, refusal.status, refusal.message);
  }

  #refuseUpgrade(request: IncomingMessage, socket: Duplex, refusal: Refusal): void {
    this.#count(request, refusal);
    refuseUpgrade(socket, refusal.status, refusal.message);
  }

  #count(request: IncomingMessage, { cause, status, message }: Refusal): void {
    this.#options.counters.refused(cause);
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

const NOTHING_HERE: Refusal = { cause: 'not-found', status: 404, message: 'there is nothing here' };

function isReading({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function unreadable(request: IncomingMessage, { kind }: Route): Refusal | undefined {
  if (!isReading(request)) return { cause: 'bad-request', status: 405, message: 'GET only' };
  if (kind === 'unknown') return NOTHING_HERE;
  if (kind === 'vm' || kind === 'events') return { cause: 'bad-request', status: 426, message: 'this is a WebSocket' };
  return undefined;
}

/** Never the subprotocol with the token, which would send it back. */
function select(protocols: Set<string>): string | false {
  return [...protocols].find((protocol) => !isBearer(protocol)) ?? false;
}
