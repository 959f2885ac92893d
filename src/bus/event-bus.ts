/// <reference lib="esnext.disposable" preserve="true" />
import { Subscription, type Observable } from 'rxjs';
import { isThenable } from '../foundation/checks.js';
import { disposeBy } from '../foundation/disposal.js';
import { DisconnectedError, ListenerError } from '../protocol/errors.js';
import { isEvent, type EventName, type Message, type QmpEvent } from '../protocol/message.js';
import type { FilterOf } from '../protocol/event-filter.js';
import type { EventNames, KnownNames, OpenName } from '../protocol/event-names.js';
import { notAnEvent } from '../protocol/diagnostic.js';
import type { Diagnostic } from './diagnostic.js';
import { Diagnostics } from './diagnostics.js';
import { EventListener, lifeOf, type ListenerOptions } from './event-listener.js';
import type { EventBusOptions } from './options.js';
import type { ListenerEnding } from './event-queue.js';
import { HotSource } from '../foundation/hot-source.js';
import { ListenScope } from './listen-scope.js';
import { observeListener, observeNames, type Shared } from './observe.js';
import type { QueueStats, Registration } from './registration.js';
import { checkListener, Registrations } from './registrations.js';
import { ScopedListener } from './scoped-listener.js';
import { Routes } from './routes.js';
import { DeliveryQueue } from '../foundation/delivery-queue.js';
import { show, textOf } from '../foundation/text.js';

/**
 * Hands the events in a hot stream of messages to the listeners registered with it: each listener in the order of the stream,
 * each event in the order of registration. A listener that throws misses that event; nobody else does.
 *
 * ```ts
 * const bus = new EventBus(messages$);
 * bus.observe('STOP').subscribe((event) => console.log(event.timestamp.seconds));
 * ```
 */
export class EventBus implements Disposable {
  /** The name of the bus in errors and log lines. */
  readonly name: string;
  /**
   * Hears everything, first in order, and cannot be removed. It keeps the latest events only: the oldest unread ones are dropped
   * without a `LagError`.
   */
  readonly events: EventListener;
  /** Every event, hot, whatever becomes of `events.names`. Completes at the end of the bus and never errors. */
  readonly events$: Observable<QmpEvent>;
  /** What went wrong and was survived; hot, completes at the end of the bus. */
  readonly diagnostics$: Observable<Diagnostic>;
  declare readonly [Symbol.dispose]: () => void;

  readonly #registrations = new Registrations(this);
  readonly #builtIn: Registration;
  /** The callers' own listeners that {@link observe} has registered. */
  readonly #observed = new WeakMap<EventListener, Shared>();
  readonly #view = new HotSource<QmpEvent>();
  readonly #diagnostics: Diagnostics;
  /** Events, and what must wait until the event being dispatched has reached everybody. */
  readonly #work = new DeliveryQueue<QmpEvent | (() => void)>((item) => {
    if (typeof item === 'function') item();
    else this.#dispatch(item);
  });
  readonly #source = new Subscription();
  #closed: ListenerEnding | undefined;

  /** @param source$ is subscribed at once. When it completes or fails, the bus closes. */
  constructor(source$: Observable<Message>, options: EventBusOptions = {}) {
    this.name = options.name ?? 'bus';
    this.#diagnostics = new Diagnostics(this.name, options.logger);
    this.diagnostics$ = this.#diagnostics.observable;
    this.events$ = this.#view.observable;
    this.events = new EventListener(null, undefined, {
      queueLimit: 1_000,
      historyLimit: 1_000,
      onLag: () => undefined,
      ...options.events,
    });
    this.#builtIn = this.#register(this.events, new Routes());
    const subscription = source$.subscribe({
      next: (message) => {
        if (this.#closed) return;
        if (isEvent(message)) this.receive(message);
        else if ('event' in message) this.report(notAnEvent(message));
      },
      error: (error: unknown) => {
        this.end(this.lossOf(error));
      },
      complete: () => {
        this.end();
      },
    });
    // Unsubscribes at once where the source has ended the bus meanwhile.
    this.#source.add(subscription);
  }

  /** All registered listeners, in order of registration; `events` is the first. */
  get listeners(): readonly EventListener[] {
    return this.#registrations.all.map(({ listener }) => listener);
  }

  /**
   * Registers a listener: it hears events from the next one on.
   *
   * @throws ListenerError if it is registered already, here or elsewhere
   */
  registerListener(listener: EventListener): void {
    this.#registrations.checkFree([listener]);
    this.#register(listener);
  }

  /**
   * Removes a listener: its waiting reads end, its view completes. Returns what was unread.
   *
   * @throws ListenerError if it is not registered here, or is `events`
   */
  removeListener<E>(listener: EventListener<string, E>): E[];
  removeListener(listener: EventListener): QmpEvent[] {
    checkListener(listener);
    if (listener === this.events) throw new ListenerError(`${this.name}: the built-in listener cannot be removed`);
    const registration = this.#registrations.of(listener);
    if (!registration) throw new ListenerError(`${this.name}: ${textOf(listener)} is not registered here`);
    return this.#remove(registration);
  }

  /**
   * Registers all of these or, with a `ListenerError`, none. Closing the scope removes those that are still there.
   *
   * ```ts
   * using scope = bus.listen(stops, resumes);
   * ```
   */
  listen(...listeners: readonly EventListener[]): ListenScope {
    this.#registrations.checkFree(listeners);
    const registrations = listeners.map((listener) => this.#register(listener));
    return new ListenScope(() => {
      for (const one of registrations) if (!one.ended) this.#remove(one);
    });
  }

  /** A new listener, registered; `close()` or `using` removes it. */
  listener<const N extends EventName | OpenName = EventName>(
    names?: KnownNames<N>,
    eventFilter?: FilterOf<QmpEvent<NoInfer<N>>>,
    options?: ListenerOptions,
  ): ScopedListener<NoInfer<N>> {
    const listener = new ScopedListener<N>(names, eventFilter, options, () => {
      scope.close();
    });
    const scope = this.listen(listener as unknown as EventListener);
    return listener;
  }

  /**
   * The events with these names that pass the filter, from the subscription on: a listener of its own is registered for each
   * subscription, without queue and history, and removed with it. With a listener of yours, it is registered by the first
   * subscriber and removed, drained, after the last.
   *
   * Completes when the bus closes in good order, errors with `DisconnectedError` after a loss, and with `ListenerError` if your
   * listener is registered elsewhere.
   */
  observe<const N extends EventName | OpenName = EventName>(
    names?: KnownNames<N, EventListener<N, unknown>>,
    eventFilter?: FilterOf<QmpEvent<NoInfer<N>>>,
  ): Observable<QmpEvent<NoInfer<N>>> {
    const events$ =
      names instanceof EventListener
        ? observeListener(this, names as unknown as EventListener, this.#observed)
        : observeNames(this, names as EventNames | undefined, eventFilter as FilterOf<QmpEvent>);
    return events$ as Observable<QmpEvent<N>>;
  }

  /** Ends the bus: views and `observe()` complete, waiting reads end. The listeners' unread events and histories stay. */
  close(): void {
    this.end();
  }

  /** Hands one event to the listeners, after those before it. */
  protected receive(event: QmpEvent): void {
    this.#work.push(event);
  }

  /** Ends the bus for good, after a loss if there is one; takes effect after the event being dispatched. */
  protected end(loss?: DisconnectedError): void {
    const error = loss ?? new DisconnectedError(`${this.name}: the bus is closed`);
    this.#work.push(() => {
      this.#close({ how: loss ? 'lost' : 'closed', error });
    });
  }

  /** Ends the listeners registered now, as {@link end} does and when it would, but keeps the bus open for another session. */
  protected endListeners(ending: ListenerEnding): void {
    this.#work.push(() => {
      this.#endListeners(ending);
    });
  }

  /** Makes the listeners that {@link endListeners} ended wait for events again. */
  protected reviveListeners(): void {
    this.#work.push(() => {
      for (const listener of this.listeners) if (lifeOf(listener).ended) lifeOf(listener).revive();
    });
  }

  /** Of all listeners that were ever registered but `events`, which is a window and drops all the time. */
  protected get queueStats(): QueueStats {
    return this.#registrations.statsWithout(this.#builtIn);
  }

  /** Reports what was survived. */
  protected report(diagnostic: Diagnostic): void {
    this.#diagnostics.report(diagnostic);
  }

  /** Tells how many diagnostics were held back. */
  protected flushReports(): void {
    this.#diagnostics.flush();
  }

  /** Writes a line for whoever debugs; `text` is not called without a logger. */
  protected debug(text: () => string): void {
    this.#diagnostics.debug(text);
  }

  protected lossOf(cause: unknown): DisconnectedError {
    if (cause instanceof DisconnectedError) return cause;
    return new DisconnectedError(
      `${this.name}: the connection is lost: ${cause instanceof Error ? cause.message : textOf(cause)}`,
      { cause },
    );
  }

  #dispatch(event: QmpEvent): void {
    if (this.#closed) return;
    const wanting = this.#registrations.routes.lend(event.event);
    this.#offer(this.#builtIn, event);
    this.#view.next(event);
    for (const registration of wanting) this.#offer(registration, event);
  }

  #offer(registration: Registration, event: QmpEvent): void {
    // Somebody who was served before has removed it.
    if (registration.ended) return;
    try {
      const result: unknown = registration.listener.put(event);
      if (isThenable(result)) {
        result.then(undefined, (error: unknown) => {
          registration.fault(error, event);
        });
      }
    } catch (error) {
      registration.fault(error, event);
    }
  }

  #register(listener: EventListener, routes?: Routes): Registration {
    const report: Registration['fault'] = (error, event) => {
      this.report({
        kind: 'listener-fault',
        message: `${textOf(listener)} failed${event ? ` on ${show(event.event)}` : ''}: ${textOf(error)}`,
        listener,
        error,
        ...(event && { event }),
      });
    };
    const registration = this.#registrations.add(listener, report, routes);
    if (this.#closed) lifeOf(listener).end(this.#closed);
    this.debug(() => `registered ${textOf(listener)}`);
    return registration;
  }

  #remove(registration: Registration): QmpEvent[] {
    const { listener } = registration;
    this.#registrations.remove(registration);
    const error = new ListenerError(`${this.name}: ${textOf(listener)} was removed`);
    const unread = lifeOf(listener).detach({ how: 'removed', error });
    this.debug(() => `removed ${textOf(listener)}`);
    return unread;
  }

  #close(ending: ListenerEnding): void {
    if (this.#closed) return;
    this.#closed = ending;
    this.#source.unsubscribe();
    this.#endListeners(ending);
    this.#view.end();
    this.#diagnostics.end();
  }

  #endListeners(ending: ListenerEnding): void {
    for (const registration of this.#registrations.all) {
      // A subscriber that saw the end of a listener before may have removed this one.
      if (!registration.ended) lifeOf(registration.listener).end(ending);
    }
  }

  static {
    disposeBy(this, 'close', 'dispose');
  }
}
