/// <reference lib="esnext.disposable" preserve="true" />
import { show } from '../../foundation/text.js';
import {
  distinctUntilChanged,
  filter,
  finalize,
  Observable,
  ReplaySubject,
  share,
  takeUntil,
  take,
  firstValueFrom,
} from 'rxjs';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { jetstream } from '@nats-io/jetstream';
import type { QmpClientOptions } from '../../client/options.js';
import { QmpClient } from '../../client/qmp-client.js';
import { disposeBy } from '../../foundation/disposal.js';
import type { Logger } from '../../foundation/logger.js';
import { StateError } from '../../protocol/errors.js';
import type { Connector } from '../../transport/connection.js';
import { warnOfRefusals } from '../missing-rights.js';
import { explained } from '../nats-errors.js';
import { NatsStatus } from '../nats-status.js';
import { VMS_BUCKET } from '../store-names.js';
import { checkName, parseVmName, tokenOf } from '../subjects.js';
import { Beats } from './beats.js';
import { checkDurable, consumeLog, type Delivery } from './consume.js';
import type { FleetEvent, FleetGap, FleetState, FleetVm, Where } from './fleet-types.js';
import { checkRange, readHistory, type HistoryRange } from './history.js';
import { readLive } from './live-reader.js';
import { presence } from './presence.js';
import { Replies } from './replies.js';
import { VmConnection, type FleetLink } from './vm-connection.js';
import { checkWhere } from './where.js';

/** The options of a {@link FleetClient}. */
export interface FleetOptions {
  /** Is told what happens to the connection. @default nothing is logged */
  readonly logger?: Logger;
}

/** Which events of a VM are sent to this client. */
export interface FleetConnectorOptions {
  /** The events that are wanted, by name; others are not even sent. @default all */
  readonly names?: readonly string[];
}

/**
 * The VMs of many hosts, over NATS: which there are, the events of all of them, what happened before, and a {@link QmpClient}
 * for each.
 *
 * ```ts
 * const nats = await connect({ servers: 'tls://nats.example', maxReconnectAttempts: -1 });
 * const fleet = new FleetClient(nats);
 * fleet.vms$.subscribe((vms) => console.log(vms.map((vm) => `${vm.name}: ${vm.state}`)));
 * fleet.events$({ names: ['GUEST_PANICKED'] }).subscribe(({ vm }) => console.log(`${vm} has panicked`));
 * ```
 */
export class FleetClient implements AsyncDisposable {
  /**
   * The list of VMs as soon as it is known, then each change of it. Complete at {@link close}, as the others; errors with
   * `StateError` where NATS does not let this user see it.
   */
  readonly vms$: Observable<readonly FleetVm[]>;
  /** The present state of the connection, then each change. */
  readonly state$: Observable<FleetState>;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  readonly #nats: NatsConnection;
  readonly #logger: Logger | undefined;
  readonly #link: FleetLink;
  readonly #closed = new ReplaySubject<void>(1);
  readonly #states = new ReplaySubject<FleetState>(1);
  readonly #clients = new Set<QmpClient>();
  /** The readers that somebody is subscribed to, by what they read. */
  readonly #live = new Map<string, Observable<FleetEvent | FleetGap>>();
  #isClosed = false;

  /** @param nats yours, from `wsconnect()` or `connect()`, with `maxReconnectAttempts: -1`; it is not closed */
  constructor(nats: NatsConnection, options: FleetOptions = {}) {
    if (typeof (nats as Partial<NatsConnection> | undefined)?.subscribe !== 'function') {
      throw new TypeError(`nats must be a NatsConnection, not ${show(nats)}`);
    }
    this.#nats = nats;
    this.#logger = options.logger;
    const status = new NatsStatus(nats);
    this.#link = { status, replies: new Replies(nats), beats: new Beats(status) };
    this.#states.next(status.closed ? { phase: 'closed' } : { phase: 'open' });
    status.watch({
      disconnected: () => {
        this.#states.next({ phase: 'reconnecting', since: new Date() });
      },
      reconnected: () => {
        this.#states.next({ phase: 'open' });
      },
      closed: (cause) => {
        this.#states.next(cause ? { phase: 'closed', cause } : { phase: 'closed' });
        void this.close();
      },
    });
    warnOfRefusals(status, this.#logger);
    this.state$ = new Observable((subscriber) => this.#states.subscribe(subscriber));
    this.vms$ = this.vmsOf({});
  }

  /** The VMs of one host, or one VM: what a user needs no rights to all for. */
  vmsOf(where: Pick<Where, 'host' | 'vm'>): Observable<readonly FleetVm[]> {
    checkWhere(where);
    return presence(this.#link, where, this.#logger).pipe(
      distinctUntilChanged(),
      takeUntil(this.#closed),
      share({ connector: () => new ReplaySubject(1), resetOnRefCountZero: true }),
    );
  }

  /** The events of the VMs that are meant, live, in the order in which each VM had them. {@link gaps$} tells what is missing. */
  events$(where: Where = {}): Observable<FleetEvent> {
    return this.#read(where).pipe(filter((one): one is FleetEvent => 'event' in one));
  }

  /** What is missing of {@link events$}: told before the next event, or with the next beat of its host. */
  gaps$(where: Where = {}): Observable<FleetGap> {
    return this.#read(where).pipe(filter((one): one is FleetGap => !('event' in one)));
  }

  /** The connector to a VM, for a client of your own. @param vm its full name, `h1/vm7`. @throws TypeError if it is not one */
  connector(vm: string, { names = [] }: FleetConnectorOptions = {}): Connector {
    const name = parseVmName(vm);
    const open = (signal: AbortSignal) => this.#open(name, names, signal);
    return Object.assign(open, { address: `nats:${vm}` });
  }

  /** A new client of a VM, with `reconnect`; connect it, and close it after use. @param vm its full name, `h1/vm7` */
  client(vm: string, { names, ...options }: QmpClientOptions & FleetConnectorOptions = {}): QmpClient {
    if (this.#isClosed) throw new StateError('the fleet client is closed for good');
    const connector = this.connector(vm, names && { names });
    const client = new QmpClient(connector, { name: vm, reconnect: true, ...options });
    this.#clients.add(client);
    client.state$.subscribe({ complete: () => this.#clients.delete(client) });
    return client;
  }

  /**
   * What is in the log, oldest first: events, and a gap wherever some are missing or a session begins. Completes where the log
   * ended when it was subscribed to. Errors with `StateError` if there is no log, or it may not be read.
   */
  history(where: Where & HistoryRange = {}): Observable<FleetEvent | FleetGap> {
    checkWhere(where);
    checkRange(where);
    return readHistory(this.#link.status, where).pipe(takeUntil(this.#closed));
  }

  /**
   * The events of the log, each until it is acknowledged; the durable's name is where NATS keeps how far it is. Several programs
   * of one name share the work. Never completes by itself; errors with `StateError` if it may not be read.
   */
  consume(durable: string, where: Where = {}): Observable<Delivery> {
    checkDurable(durable);
    checkWhere(where);
    return consumeLog(this.#link.status, durable, where).pipe(takeUntil(this.#closed));
  }

  /** Removes what is remembered of the VMs of a host that will not come back. Rejects with `StateError` without the right to. */
  async forget(host: string): Promise<void> {
    checkName('host', host);
    const vms = await firstValueFrom(this.vmsOf({ host }).pipe(take(1)), { defaultValue: [] });
    const header = headers();
    header.set('KV-Operation', 'PURGE');
    header.set('Nats-Rollup', 'sub');
    const keys = [host, ...vms.map(({ name }) => name)].map((name) =>
      name
        .split(/\/(.*)/s)
        .slice(0, 2)
        .map(tokenOf),
    );
    for (const key of keys) {
      await jetstream(this.#nats)
        .publish(`$KV.${VMS_BUCKET}.${key.join('.')}`, '', { headers: header })
        .catch((error: unknown) => {
          throw explained(error, `what is remembered of ${host}`);
        });
    }
  }

  /** Ends it for good: its streams complete, and its clients are closed. The connection to NATS is yours. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#states.next({ phase: 'closed' });
    this.#states.complete();
    this.#closed.next();
    await Promise.all([...this.#clients].map((client) => client.close()));
    this.#link.beats.end();
    this.#link.replies.end();
    this.#link.status.end();
  }

  /** One reader for all who want the same. */
  #read(where: Where): Observable<FleetEvent | FleetGap> {
    checkWhere(where);
    const { host, vm, names } = where;
    const key = JSON.stringify([host, vm, names && [...names].sort()]);
    const known = this.#live.get(key);
    if (known) return known;
    const { status, beats } = this.#link;
    const shared = readLive(status, beats, where).pipe(
      takeUntil(this.#closed),
      finalize(() => this.#live.delete(key)),
      share(),
    );
    this.#live.set(key, shared);
    return shared;
  }

  async #open(vm: ReturnType<typeof parseVmName>, names: readonly string[], signal: AbortSignal) {
    if (this.#isClosed) throw new StateError('the fleet client is closed for good');
    await this.#link.status.up(signal);
    return new VmConnection(this.#link, vm, names).open(signal);
  }

  static {
    disposeBy(this, 'close', 'asyncDispose');
  }
}
