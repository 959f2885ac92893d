import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import type { Logger } from '../../foundation/logger.js';
import { escaped } from '../../foundation/text.js';
import { ClientSocket } from './client-socket.js';
import type { Counters } from '../../gateway/counters.js';
import { isRefusal, type Admission, type Refusal } from './admission.js';
import { isBearer } from './bearer.js';
import type { Vm } from '../../gateway/vm.js';
import type { OfferedVms } from '../../gateway/offered-vms.js';
import { pathOf, queryOf, refuseUpgrade, respond, routeOf, type Route } from './http.js';
import type { DashboardPage } from '../dashboard/page.js';
import type { HubLimits } from './options.js';
import { readPosition } from '../protocol.js';
import { Answers } from './answers.js';
import type { Audit } from './audit.js';
import { Clients } from './clients.js';
import { EventLog, type EventLogOptions } from './event-log.js';
import { TurnEnd } from './turn-end.js';
import type { View, Visitor } from './visitor.js';
import { VmServers } from './vm-servers.js';
import { Watchers } from './watchers.js';

export interface RequestsOptions {
  readonly admission: Admission;
  readonly vms: OfferedVms;
  readonly counters: Counters;
  readonly limits: HubLimits;
  readonly history: EventLogOptions;
  readonly audit: Audit;
  readonly behindProxy: boolean;
  /** Is told of each connection that has shown a token. */
  readonly admitted: (socket: Socket) => void;
  /** Is served to everybody, at `/`. */
  readonly page: DashboardPage | undefined;
  readonly logger: Logger | undefined;
}

/** What is done with the WebSocket of a client. */
type Service = (client: ClientSocket) => void;

/** Milliseconds for the answer to a closing frame. */
const CLOSE_TIMEOUT = 5_000;

/** Takes each request past admission to what it asks for. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #webSockets: WebSocketServer;
  readonly #clients: Clients;
  readonly #servers = new WeakMap<Vm, VmServers>();
  readonly #turnEnd = new TurnEnd();
  readonly #log: EventLog;
  readonly #watchers: Watchers;
  readonly #answers: Answers;
  readonly #loopDelay = monitorEventLoopDelay();

  constructor(options: RequestsOptions) {
    this.#options = options;
    const { vms, limits, counters, audit } = options;
    this.#clients = new Clients(limits);
    this.#log = new EventLog(options.history);
    this.#watchers = new Watchers(vms, this.#log, this.#turnEnd);
    this.#loopDelay.enable();
    this.#answers = new Answers({
      vms,
      log: this.#log,
      watchers: this.#watchers,
      counters,
      audit,
      clients: this.#clients,
      loopDelay: this.#loopDelay,
    });
    vms.subscribe({
      added: () => undefined,
      removed: (vm) => {
        audit.forget(vm.name);
      },
    });
    // The declarations lack `closeTimeout`.
    const settings: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload: options.limits.frameBytes,
      // A small compressed frame may become a large one.
      perMessageDeflate: false,
      handleProtocols: select,
      // One frame of a client in a turn of the event loop, pings included: a chunk holds thousands of them.
      allowSynchronousEvents: false,
      // See ClientSocket, which answers them in a way that costs no memory.
      autoPong: false,
      closeTimeout: CLOSE_TIMEOUT,
    };
    this.#webSockets = new WebSocketServer(settings);
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    const route = routeOf(request);
    if (this.#options.admission.answerPage(request, response)) return;
    const admitted = this.#admit(request, route);
    const { page } = this.#options;
    if (page && this.#isOfPage(request, route) && !isRefusal(admitted)) {
      page.serve(request, response, () => {
        this.#refuse(request, response, NOTHING_HERE);
      });
      return;
    }
    const refusal = isRefusal(admitted) ? admitted : this.#answer(request, response, route, admitted);
    if (refusal) this.#refuse(request, response, refusal);
    else this.#trace(request, '200');
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
    void this.#serviceOf(request, route, admitted).then((offered) => {
      // While the VM was dialled, others may have come, and tokens may have gone.
      const service = isRefusal(offered) ? offered : (this.#noPlaceFor(admitted) ?? offered);
      if (isRefusal(service)) {
        this.#refuseUpgrade(request, socket, service);
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#trace(request, admitted.rights.name);
        service(this.#welcome(request, webSocket, admitted));
      });
    });
  }

  /** The tokens have changed: the clients whose token is gone, or is worth something else now, go. */
  tokensChanged(): void {
    for (const [client, visitor] of this.#clients.visitors) {
      if (!this.#options.admission.knows(visitor)) client.close(1008, 'the token is not valid any more');
    }
  }

  /** Tells the clients, and waits a moment for them to hear it. */
  close(): Promise<void> {
    this.#loopDelay.disable();
    return this.#clients.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse, route: Route, visitor: Visitor): Refusal | undefined {
    if (!isReading(request)) return { cause: 'bad-request', status: 405, message: 'GET only' };
    return this.#answers.answer(request, response, route, visitor);
  }

  /** What is needed depends on nothing but the request, and on the path only for what needs no token. */
  #admit(request: IncomingMessage, route: Route): Visitor | Refusal {
    const { admission } = this.#options;
    const isPage = this.#isOfPage(request, route);
    const refusal = admission.checkTarget(request, isPage);
    if (refusal) return refusal;
    if (isPage || route.kind === 'healthz' || route.kind === 'readyz') return STRANGER;
    const admitted = admission.admit(request);
    if (!isRefusal(admitted)) this.#options.admitted(request.socket);
    return admitted;
  }

  /** What is no part of the hub's own interface may be a file of the page. */
  #isOfPage(request: IncomingMessage, { kind }: Route): boolean {
    return kind === 'unknown' && isReading(request) && this.#options.page !== undefined;
  }

  /** What is done with the WebSocket of a client that has been admitted. Never rejects. */
  async #serviceOf(request: IncomingMessage, route: Route, visitor: Visitor): Promise<Service | Refusal> {
    // What needs no token is no WebSocket.
    const refusal = visitor === STRANGER ? NOTHING_HERE : this.#noPlaceFor(visitor);
    if (refusal) return refusal;
    if (route.kind === 'events') {
      const after = placeOf(queryOf(request), this.#log, visitor.view);
      if (after === undefined) return { cause: 'bad-request', status: 400, message: 'after=EPOCH.N, or last=COUNT' };
      return (client) => {
        this.#watchers.watch(client, { ...visitor, after });
      };
    }
    const { vms } = this.#options;
    const offered = route.kind === 'vm' && visitor.view.shows(route.name) ? vms.get(route.name) : undefined;
    if (!offered) return { cause: 'not-found', status: 404, message: 'there is no such VM' };
    let vm: Vm;
    try {
      vm = await offered.reach();
    } catch (error) {
      return { cause: 'not-running', status: 503, message: (error as Error).message };
    }
    return (client) => {
      this.#serversOf(vm).serve(client, visitor, this.#peerOf(request));
    };
  }

  #noPlaceFor(visitor: Visitor): Refusal | undefined {
    if (!this.#options.admission.knows(visitor)) return { cause: 'token', status: 401, message: 'the token is wrong' };
    const full = this.#clients.fullFor(visitor);
    return full === undefined ? undefined : { cause: 'full', status: 503, message: full };
  }

  #serversOf(vm: Vm): VmServers {
    const { limits, audit } = this.#options;
    const servers = this.#servers.get(vm) ?? new VmServers(vm, limits, this.#turnEnd, audit);
    this.#servers.set(vm, servers);
    return servers;
  }

  #welcome(request: IncomingMessage, webSocket: WebSocket, visitor: Visitor): ClientSocket {
    const { limits, counters, logger } = this.#options;
    const client = new ClientSocket(webSocket, {
      limits,
      log: (line) => {
        logger?.warn(`${this.#describe(request)}: ${line}`);
      },
      counters,
      tally: (bytes) => {
        this.#clients.tally(bytes);
      },
      turnEnd: this.#turnEnd,
    });
    this.#clients.add(client, visitor);
    void client.closed.then((code) => {
      this.#trace(request, `closed with ${code}`);
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

  #trace(request: IncomingMessage, outcome: string): void {
    this.#options.logger?.debug(`${this.#describe(request)}: ${outcome}`);
  }

  #peerOf(request: IncomingMessage): string {
    const forwarded = this.#options.behindProxy ? request.headers['x-forwarded-for'] : undefined;
    // The last address is the one that our proxy saw; those before it anybody may have made up.
    const peer =
      forwarded?.toString().split(',').at(-1)?.trim() ?? request.socket.remoteAddress ?? 'somebody who has gone';
    return escaped(peer);
  }

  /** Who asks for what; never the query, where somebody may have put a token. */
  #describe(request: IncomingMessage): string {
    return `${this.#peerOf(request)} ${request.method ?? ''} ${escaped(pathOf(request))}`;
  }
}

const NOTHING_HERE: Refusal = { cause: 'not-found', status: 404, message: 'there is nothing here' };

/** Who has shown no token, where none is needed. */
const STRANGER: Visitor = {
  id: '',
  rights: { role: 'viewer', allow: [], name: 'anybody', screen: false },
  view: { key: '', shows: () => false },
};

function isReading({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** The number after which a client of `/events` begins: at the end, unless it asks for more. Undefined if that is not valid. */
function placeOf(query: URLSearchParams, log: EventLog, view: View): number | undefined {
  const [after, last] = [query.get('after'), query.get('last')];
  if (after !== null) {
    const position = readPosition(after);
    // To one who knows another epoch, all of this one is new.
    return position && (position.epoch === log.epoch ? position.n : 0);
  }
  if (last === null) return log.last;
  return /^\d{1,9}$/.test(last) ? log.before(Number(last), view.shows) : undefined;
}

/** Never the subprotocol with the token, which would send it back. */
function select(protocols: Set<string>): string | false {
  return [...protocols].find((protocol) => !isBearer(protocol)) ?? false;
}
