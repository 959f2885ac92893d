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
import { QmpClient, type QmpClientOptions } from '../../client/qmp-client.js';
import { backoff, type ReconnectPolicy } from '../../client/reconnect.js';
import { disposeBy } from '../../foundation/disposal.js';
import { StateError, type QmpError } from '../../protocol/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { hubFrames } from './hub-frames.js';
import type { VmInfo } from '../../gateway/vm-info.js';
import type { HubEvent, HubFrame, HubRights } from '../protocol.js';
import { socketUrl, webSocket, type WebSocketOptions } from '../../transport/web-socket.js';

export interface HubClientOptions extends Pick<WebSocketOptions, 'token' | 'WebSocket'> {
  /** When to try again after the connection to the hub has ended; a policy that gives up closes the client. @default backoff() */
  readonly reconnect?: ReconnectPolicy;
  readonly logger?: Logger;
}

/** What a {@link HubClient} is doing. */
export type HubState =
  /** Nobody watches. */
  | { readonly phase: 'idle' }
  | { readonly phase: 'connecting' }
  | { readonly phase: 'open'; readonly rights: HubRights }
  /** A wrong token, too: a browser does not tell it from a hub that is away. */
  | { readonly phase: 'reconnecting'; readonly retryAt: Date; readonly cause: QmpError }
  /** By the program, or with a cause because the reconnect policy gave up. */
  | { readonly phase: 'closed'; readonly cause?: QmpError };

/**
 * The client side of `rx-qmp hub`: which VMs there are, the events of all of them, and a {@link QmpClient} for each.
 *
 * It is connected while anybody is subscribed to one of its streams, by one WebSocket for all of them, and connects anew when
 * that one ends. What happened meanwhile is not known: `state$` shows the time.
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
  /** The present state, then each change. */
  readonly state$: Observable<HubState>;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  readonly #url: string;
  readonly #options: HubClientOptions;
  readonly #closed = new ReplaySubject<void>(1);
  // A ReplaySubject, unlike a BehaviorSubject, tells the last state also after the end.
  readonly #states = new ReplaySubject<HubState>(1);
  #state: HubState = { phase: 'idle' };
  readonly #clients = new Set<QmpClient>();
  #vms: readonly VmInfo[] | undefined;

  /** @param url of the hub, as it prints it: `https://hub.example`, `ws://127.0.0.1:8765` */
  constructor(url: string, options: HubClientOptions = {}) {
    this.#url = socketUrl(url).replace(/\/$/, '');
    if (this.#url.includes('?')) throw new TypeError('the url of a hub has no query');
    this.#options = options;
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
    this.events$ = frames$.pipe(filter((frame): frame is HubEvent => 'event' in frame));
    this.state$ = new Observable((subscriber) => {
      subscriber.add(this.#states.subscribe(subscriber));
      if (!subscriber.closed) subscriber.add(frames$.subscribe());
    });
  }

  /** @param name of the VM, as {@link vms$} has it. @returns a new client with `reconnect`; connect it, and close it after use */
  client(name: string, options: QmpClientOptions = {}): QmpClient {
    if (this.#state.phase === 'closed') throw new StateError(`${this.#url}: the hub client is closed for good`);
    const { reconnect, ...socket } = this.#options;
    const connector = webSocket(`${this.#url}/vms/${encodeURIComponent(name)}`, socket);
    const client = new QmpClient(connector, { name, reconnect: reconnect ?? true, ...options });
    this.#clients.add(client);
    client.state$.subscribe({ complete: () => this.#clients.delete(client) });
    return client;
  }

  /** Ends it for good: its streams complete, and its clients are closed. */
  async close(): Promise<void> {
    await this.#end({ phase: 'closed' });
  }

  #frames(): Observable<HubFrame> {
    const { logger, token, WebSocket, reconnect = backoff() } = this.#options;
    const url = `${this.#url}/events`;
    const connector = webSocket(url, { ...(token !== undefined && { token }), ...(WebSocket && { WebSocket }) });
    return defer(() => {
      this.#enter({ phase: 'connecting' });
      return hubFrames(url, connector, logger);
    }).pipe(
      tap((frame) => {
        this.#take(frame);
      }),
      retry({
        resetOnSuccess: true,
        delay: (cause: QmpError, attempt) => {
          const delay = reconnect.delay(attempt, cause);
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
        this.#vms = undefined;
        this.#enter({ phase: 'idle' });
      }),
      share(),
    );
  }

  async #end(state: HubState): Promise<void> {
    this.#enter(state);
    this.#states.complete();
    this.#closed.next();
    await Promise.all([...this.#clients].map((client) => client.close()));
  }

  #take(frame: HubFrame): void {
    if ('vms' in frame) {
      this.#vms = frame.vms;
      if (frame.hub) this.#enter({ phase: 'open', rights: frame.hub });
    } else if ('state' in frame) {
      this.#vms = this.#vms?.map((vm) => (vm.name === frame.vm ? frame.state : vm));
    }
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
