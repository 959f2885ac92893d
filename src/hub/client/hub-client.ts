/// <reference lib="esnext.disposable" preserve="true" />
import {
  EMPTY,
  Observable,
  ReplaySubject,
  defer,
  distinctUntilChanged,
  filter,
  finalize,
  map,
  retry,
  share,
  startWith,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import type { QmpClientOptions } from '../../client/options.js';
import { QmpClient } from '../../client/qmp-client.js';
import { backoff, wasSteady, type ReconnectPolicy } from '../../client/reconnect.js';
import { checkLimit } from '../../foundation/checks.js';
import { disposeBy } from '../../foundation/disposal.js';
import { HotSource } from '../../foundation/hot-source.js';
import { StateError, type QmpError } from '../../protocol/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { hubFrames } from './hub-frames.js';
import type { VmInfo } from '../../gateway/vm-info.js';
import { hubHistory, type HubHistoryOptions } from './hub-history.js';
import { HubPlace, type HubPlaceHost } from './hub-place.js';
import type { ChangeFrame, HubEvent, HubFrame, HubGap, HubRights } from '../protocol.js';
import { socketUrl, webSocket, type WebSocketOptions } from '../../transport/web-socket.js';

/** How a program connects to a hub. */
export interface HubClientOptions extends Pick<WebSocketOptions, 'token' | 'WebSocket'> {
  /** When to try again after the connection to the hub has ended; a policy that gives up closes the client. @default backoff() */
  readonly reconnect?: ReconnectPolicy;
  /** Is told what happens to the connection, and by the clients of VMs. @default nothing is logged */
  readonly logger?: Logger;
  /** How many events from before the first connection are emitted first, as far as the hub has kept them. @default 0 */
  readonly last?: number;
}

/** What a {@link HubClient} is doing. */
export type HubState =
  /** Nobody is subscribed. */
  | { readonly phase: 'idle' }
  | { readonly phase: 'connecting' }
  | { readonly phase: 'open'; readonly rights: HubRights }
  /** Also after a wrong token: a browser cannot tell it from a hub that is away. */
  | { readonly phase: 'reconnecting'; readonly retryAt: Date; readonly cause: QmpError }
  /** Closed by the program; or, with a cause, because the reconnect policy gave up. */
  | { readonly phase: 'closed'; readonly cause?: QmpError };

/**
 * The client side of `rx-qmp hub`: which VMs there are, the events of all of them, and a {@link QmpClient} for each.
 *
 * It is connected while anybody is subscribed to one of its streams, by one WebSocket for all of them, and connects again when
 * that one ends. The events from in between follow, as far as the hub has kept them; `gaps$` tells what is missing.
 *
 * ```ts
 * const hub = new HubClient('wss://hub.example', { token });
 * hub.vms$.subscribe((vms) => console.log(vms.map((vm) => `${vm.name}: ${vm.state}`)));
 * hub.events$.subscribe(({ vm, event }) => console.log(vm, event.event));
 * ```
 */
export class HubClient implements AsyncDisposable {
  /** The list of VMs as soon as it is known, then each change of it. Complete at {@link close}, as the others. */
  readonly vms$: Observable<readonly VmInfo[]>;
  /** The events of all VMs, hot. */
  readonly events$: Observable<HubEvent>;
  /** Tells of each hole in {@link events$}, before the first event after it. */
  readonly gaps$: Observable<HubGap>;
  /** The present state, then each change. */
  readonly state$: Observable<HubState>;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  readonly #url: string;
  readonly #options: HubClientOptions;
  readonly #closed = new ReplaySubject<void>(1);
  // A ReplaySubject, unlike a BehaviorSubject, tells the last state also after the end.
  readonly #states = new ReplaySubject<HubState>(1);
  #state: HubState = { phase: 'idle' };
  /** Counts as that of a `QmpClient` does. */
  #attempt = 0;
  #openSince: Date | undefined;
  readonly #clients = new Set<QmpClient>();
  readonly #events = new HotSource<HubEvent>();
  readonly #gaps = new HotSource<HubGap>();
  #place: HubPlace;
  #vms: readonly VmInfo[] | undefined;

  /** @param url of the hub, as it prints it: `https://hub.example`, `ws://127.0.0.1:8765` */
  constructor(url: string, options: HubClientOptions = {}) {
    this.#url = socketUrl(url).replace(/\/$/, '');
    if (this.#url.includes('?')) throw new TypeError('the url of a hub has no query');
    checkLimit('last', options.last ?? 0);
    this.#options = options;
    this.#place = this.#newPlace();
    this.#states.next(this.#state);
    const frames$ = this.#frames();
    const list$ = frames$.pipe(
      startWith(undefined),
      map(() => this.#vms),
    );
    this.vms$ = list$.pipe(
      filter((vms) => vms !== undefined),
      distinctUntilChanged(),
    );
    const whileWatched = <T>(stream$: Observable<T>): Observable<T> =>
      new Observable((subscriber) => {
        subscriber.add(stream$.subscribe(subscriber));
        if (!subscriber.closed) subscriber.add(frames$.subscribe());
      });
    this.events$ = whileWatched(this.#events.observable);
    this.gaps$ = whileWatched(this.#gaps.observable);
    this.state$ = whileWatched(this.#states);
  }

  /** A new client of a VM, with `reconnect`; connect it, and close it after use. @param name of the VM, as {@link vms$} has it */
  client(name: string, options: QmpClientOptions = {}): QmpClient {
    if (this.#state.phase === 'closed') throw new StateError(`${this.#url}: the hub client is closed for good`);
    const { reconnect, ...socket } = this.#options;
    const connector = webSocket(`${this.#url}/vms/${encodeURIComponent(name)}`, socket);
    const client = new QmpClient(connector, { name, reconnect: reconnect ?? true, ...options });
    this.#clients.add(client);
    client.state$.subscribe({ complete: () => this.#clients.delete(client) });
    return client;
  }

  /**
   * What the hub has kept of the events of a VM: oldest first, then it completes. Each subscription asks again; it errors with
   * `ConnectError` if the hub does not answer, or does not know the VM.
   */
  history(vm: string, options: HubHistoryOptions = {}): Observable<HubEvent> {
    const url = `${this.#url.replace(/^ws/, 'http')}/vms/${encodeURIComponent(vm)}/events`;
    return hubHistory(url, this.#options.token, options);
  }

  /** Closes it for good: its streams complete, and its clients are closed. */
  async close(): Promise<void> {
    await this.#end({ phase: 'closed' });
  }

  #frames(): Observable<HubFrame> {
    const { logger, token, WebSocket, reconnect = backoff() } = this.#options;
    const url = `${this.#url}/events`;
    const options = { ...(token !== undefined && { token }), ...(WebSocket && { WebSocket }) };
    return defer(() => {
      this.#enter({ phase: 'connecting' });
      const target = `${url}${this.#place.query}`;
      return hubFrames(url, webSocket(target, options), logger);
    }).pipe(
      tap((frame) => {
        this.#take(frame);
      }),
      retry({
        delay: (cause: QmpError) => {
          this.#place.lost(cause);
          if (this.#openSince && wasSteady(reconnect, this.#openSince)) this.#attempt = 0;
          this.#openSince = undefined;
          const delay = reconnect.delay((this.#attempt += 1), cause);
          if (delay === null) {
            void this.#end({ phase: 'closed', cause });
            return EMPTY;
          }
          this.#enter({ phase: 'reconnecting', retryAt: new Date(Date.now() + delay), cause });
          return timer(delay);
        },
      }),
      takeUntil(this.#closed),
      finalize(() => {
        this.#attempt = 0;
        this.#openSince = undefined;
        this.#vms = undefined;
        this.#place = this.#newPlace();
        this.#enter({ phase: 'idle' });
      }),
      share(),
    );
  }

  async #end(state: HubState): Promise<void> {
    this.#enter(state);
    this.#states.complete();
    this.#events.end();
    this.#gaps.end();
    this.#closed.next();
    await Promise.all([...this.#clients].map((client) => client.close()));
  }

  #take(frame: HubFrame): void {
    if ('hub' in frame) {
      const { role, name, allow, screen } = frame.hub;
      this.#vms = frame.vms;
      this.#place.greeted(frame);
      this.#openSince = new Date();
      this.#enter({ phase: 'open', rights: { role, name, allow, screen } });
    } else if ('event' in frame) this.#place.heard(frame);
    else {
      this.#place.changed(frame);
      this.#vms = applied(frame, this.#vms ?? []);
    }
  }

  #newPlace(): HubPlace {
    const host: HubPlaceHost = {
      event: (event) => {
        this.#events.next(event);
      },
      gap: (gap) => {
        this.#gaps.next(gap);
      },
    };
    return new HubPlace(host, this.#options.last ?? 0);
  }

  #enter(state: HubState): void {
    if (this.#state.phase === 'closed') return;
    this.#state = state;
    this.#states.next(state);
  }

  static {
    disposeBy(this, 'close', 'asyncDispose');
  }
}

function applied({ added = [], removed = [], changed = [] }: ChangeFrame, vms: readonly VmInfo[]): readonly VmInfo[] {
  const byName = new Map(vms.map((vm) => [vm.name, vm]));
  for (const name of removed) byName.delete(name);
  for (const vm of [...added, ...changed]) byName.set(vm.name, vm);
  return [...byName.values()];
}
