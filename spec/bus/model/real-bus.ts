import { Subject } from 'rxjs';
import { EventBus, EventListener, LagError, type EventName, type Message, type QmpEvent } from 'rx-qmp';
import { LISTENERS, type FilterKind, type Operation, type Reaction } from './operations.js';

class Widening extends EventListener {
  override accept(event: QmpEvent): boolean {
    return super.accept(event) || event.event === 'RESET';
  }
}

interface Script {
  readonly id: number;
  readonly reactions: readonly Reaction[];
}

function scriptOf(event: QmpEvent): Script {
  return event.data as Script;
}

/** Drives the real bus and writes down what happens in the words of the naive one. */
export class RealBus {
  readonly log: string[] = [];
  readonly outcomes: string[] = [];
  /** How many operations were applied, those inside of others included. */
  operations = 0;
  readonly #source = new Subject<Message>();
  readonly bus: EventBus = new EventBus(this.#source, { logger: { debug: () => undefined, warn: () => undefined } });
  readonly listeners: EventListener[];
  readonly #controllers: (AbortController | undefined)[] = [];
  readonly #iterators: (AsyncIterableIterator<QmpEvent> | undefined)[] = [];
  #events = 0;

  constructor() {
    this.listeners = LISTENERS.map(({ names, queueLimit, historyLimit, tellsLag }, at) => {
      const onLag = (): void => {
        this.log.push(`${at} lags`);
      };
      const kind = at === LISTENERS.length - 1 ? Widening : EventListener;
      return new kind(names as EventName[], undefined, { queueLimit, historyLimit, ...(tellsLag && { onLag }) });
    });
    this.bus.events$.subscribe({
      next: (event) => {
        this.log.push(`bus ${scriptOf(event).id}`);
        this.#react(event, 'bus', 0);
      },
      complete: () => {
        this.log.push('bus ended');
      },
    });
    this.bus.diagnostics$.subscribe((diagnostic) => {
      // What a promise rejects with is told without its event.
      if (diagnostic.kind !== 'listener-fault' || !diagnostic.event) return;
      this.log.push(`${this.listeners.indexOf(diagnostic.listener)} failed ${scriptOf(diagnostic.event).id}`);
    });
  }

  get order(): number[] {
    return this.bus.listeners.slice(1).map((listener) => this.listeners.indexOf(listener));
  }

  apply(operation: Operation): void {
    this.operations += 1;
    switch (operation.do) {
      case 'emit':
        if (this.#source.observed) this.#source.next(this.#event(operation.name, operation.reactions));
        return;
      case 'close':
        this.bus.close();
        return;
      case 'lose':
        this.#source.error(new Error('cut'));
        return;
      case 'abort':
        this.#controllers[operation.reader]?.abort();
        return;
      default:
        this.#applyTo(operation.at, this.listeners[operation.at] as EventListener, operation);
    }
  }

  #applyTo(at: number, listener: EventListener, operation: Extract<Operation, { at: number }>): void {
    switch (operation.do) {
      case 'register':
        this.#register(at, listener);
        return;
      case 'remove':
        this.#try(`${at} not there`, () => {
          this.log.push(`${at} removed ${idsOf(this.bus.removeListener(listener))}`);
        });
        return;
      case 'rename':
        listener.names = operation.names;
        return;
      case 'add':
        listener.names.add(operation.name);
        return;
      case 'delete':
        listener.names.delete(operation.name);
        return;
      case 'filter':
        listener.eventFilter = operation.kind === 'none' ? undefined : this.#filter(at, operation.kind);
        return;
      case 'clear':
        this.log.push(`${at} cleared ${idsOf(listener.clear())}`);
        return;
      case 'put':
        this.#try(`${at} throws`, () => {
          listener.put(this.#event('STOP', []));
        });
        return;
      case 'get':
        this.#get(listener);
        return;
      case 'next':
        this.#next(at, listener);
        return;
      case 'leave':
        void this.#iterators[at]?.return?.();
        this.#iterators[at] = undefined;
    }
  }

  #register(at: number, listener: EventListener): void {
    this.#try(`${at} refused`, () => {
      this.bus.registerListener(listener);
      listener.events$.subscribe({
        next: (event) => {
          this.log.push(`${at} sees ${scriptOf(event).id}`);
          this.#react(event, 'view', at);
        },
        complete: () => {
          this.log.push(`${at} ended`);
        },
      });
      this.log.push(`${at} registered`);
    });
  }

  #next(at: number, listener: EventListener): void {
    const iterator = (this.#iterators[at] ??= listener.iterate());
    this.#settle(
      iterator.next().then((result) => (result.done ? undefined : result.value)),
      undefined,
    );
  }

  #get(listener: EventListener): void {
    const controller = new AbortController();
    this.#settle(listener.get({ signal: controller.signal }), controller);
  }

  #settle(reading: Promise<QmpEvent | undefined>, controller: AbortController | undefined): void {
    const id = this.outcomes.length;
    this.#controllers[id] = controller;
    this.outcomes.push('waiting');
    reading.then(
      (event) => {
        this.outcomes[id] = event ? `event ${scriptOf(event).id}` : 'done';
      },
      (error: unknown) => {
        const { name } = error as Error;
        this.outcomes[id] =
          error instanceof LagError ? `missed ${error.missed}` : name === 'AbortError' ? 'aborted' : name;
      },
    );
  }

  #filter(at: number, kind: FilterKind): (event: QmpEvent) => boolean {
    return (event) => {
      this.#react(event, 'filter', at);
      if (kind === 'throws') throw new Error('mine');
      if (kind === 'promise') return Promise.reject(new Error('mine')) as never;
      return scriptOf(event).id % 2 === 0;
    };
  }

  #event(event: string, reactions: readonly Reaction[]): QmpEvent {
    const data: Script = { id: (this.#events += 1), reactions };
    const sent: object = { event, timestamp: { seconds: data.id, microseconds: 0 }, data };
    return sent as QmpEvent;
  }

  #react(event: QmpEvent, by: Reaction['by'], at: number): void {
    for (const reaction of scriptOf(event).reactions) {
      if (reaction.by !== by || reaction.at !== at) continue;
      for (const operation of reaction.operations) this.apply(operation);
    }
  }

  #try(refused: string, action: () => void): void {
    try {
      action();
    } catch {
      this.log.push(refused);
    }
  }
}

function idsOf(events: readonly QmpEvent[]): string {
  return events.map((event) => scriptOf(event).id).join();
}
