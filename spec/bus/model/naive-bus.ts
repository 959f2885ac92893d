import { LISTENERS, type FilterKind, type Operation, type Reaction } from './operations.js';

interface Sent {
  readonly id: number;
  readonly name: string;
  readonly reactions: readonly Reaction[];
}

interface Reader {
  readonly id: number;
  readonly iteration: Iteration | undefined;
}

interface Iteration {
  /** How often the listener had ended when the iteration began. */
  readonly ends: number;
  over: boolean;
}

class NaiveListener {
  names: Set<string>;
  filter: FilterKind = 'none';
  /** Grows with each registration; 0 while there is none. */
  registration = 0;
  ended: 'removed' | 'closed' | 'lost' | undefined;
  lastEnd: 'removed' | 'closed' | 'lost' | undefined;
  ends = 0;
  watched = false;
  unread: number[] = [];
  history: number[] = [];
  readers: Reader[] = [];
  missed = 0;
  dropped = 0;
  iteration: Iteration | undefined;

  constructor(
    readonly at: number,
    readonly setting: (typeof LISTENERS)[number],
  ) {
    this.names = new Set(setting.names);
  }

  get overrides(): boolean {
    return this.at === LISTENERS.length - 1;
  }

  nameFits(name: string): boolean {
    return this.names.size === 0 || this.names.has(name);
  }
}

/** The rules of the bus and its listeners, written as plainly as they can be. Everything happens at once. */
export class NaiveBus {
  readonly log: string[] = [];
  readonly outcomes: string[] = [];
  readonly listeners = LISTENERS.map((setting, at) => new NaiveListener(at, setting));
  #registered: NaiveListener[] = [];
  #registrations = 0;
  #events = 0;
  readonly #waiting: (Sent | 'closed' | 'lost')[] = [];
  #busy = false;
  #closed: 'closed' | 'lost' | undefined;
  #sourceEnded = false;

  get order(): number[] {
    return this.#registered.map(({ at }) => at);
  }

  apply(operation: Operation): void {
    switch (operation.do) {
      case 'emit':
        if (!this.#sourceEnded) this.#push({ ...operation, id: (this.#events += 1) });
        return;
      case 'close':
        this.#push('closed');
        return;
      case 'lose':
        if (!this.#sourceEnded) this.#push('lost');
        this.#sourceEnded = true;
        return;
      case 'abort': {
        const aborts = ({ id, iteration }: Reader): boolean => id === operation.reader && !iteration;
        const listener = this.listeners.find(({ readers }) => readers.some(aborts));
        if (!listener) return;
        listener.readers = listener.readers.filter((reader) => !aborts(reader));
        this.outcomes[operation.reader] = 'aborted';
        return;
      }
      default:
        this.#applyTo(this.listeners[operation.at] as NaiveListener, operation);
    }
  }

  #applyTo(listener: NaiveListener, operation: Extract<Operation, { at: number }>): void {
    const { at } = listener;
    switch (operation.do) {
      case 'register':
        if (listener.registration > 0) this.log.push(`${at} refused`);
        else this.#register(listener);
        return;
      case 'remove':
        if (listener.registration === 0) this.log.push(`${at} not there`);
        else this.#remove(listener);
        return;
      case 'rename':
        listener.names = new Set(operation.names);
        return;
      case 'add':
        listener.names.add(operation.name);
        return;
      case 'delete':
        listener.names.delete(operation.name);
        return;
      case 'filter':
        listener.filter = operation.kind;
        return;
      case 'clear':
        this.log.push(`${at} cleared ${listener.unread.join()}`);
        listener.unread = [];
        listener.missed = 0;
        return;
      case 'put':
        this.#putByHand(listener);
        return;
      case 'get':
        this.#read(listener, undefined);
        return;
      case 'next':
        listener.iteration ??= { ends: listener.ends, over: false };
        this.#read(listener, listener.iteration);
        return;
      case 'leave':
        this.#leave(listener);
    }
  }

  #register(listener: NaiveListener): void {
    listener.registration = this.#registrations += 1;
    this.#registered.push(listener);
    listener.ended = undefined;
    listener.watched = true;
    if (this.#closed) this.#end(listener, this.#closed);
    this.log.push(`${listener.at} registered`);
  }

  #remove(listener: NaiveListener): void {
    this.#registered = this.#registered.filter((other) => other !== listener);
    listener.registration = 0;
    const { unread } = listener;
    listener.unread = [];
    listener.missed = 0;
    this.#end(listener, 'removed');
    this.log.push(`${listener.at} removed ${unread.join()}`);
  }

  #end(listener: NaiveListener, how: 'removed' | 'closed' | 'lost'): void {
    listener.ended = how;
    listener.lastEnd = how;
    listener.ends += 1;
    const { readers } = listener;
    listener.readers = [];
    for (const reader of readers) this.#finish(listener, reader.id, reader.iteration);
    if (listener.watched) this.log.push(`${listener.at} ended`);
    listener.watched = false;
  }

  #finish(listener: NaiveListener, reader: number, iteration: Iteration | undefined): void {
    const error = listener.lastEnd === 'removed' ? 'ListenerError' : 'DisconnectedError';
    this.outcomes[reader] = !iteration ? error : listener.lastEnd === 'lost' ? error : 'done';
    if (iteration) iteration.over = true;
  }

  #read(listener: NaiveListener, iteration: Iteration | undefined): void {
    const id = this.outcomes.length;
    this.outcomes.push('waiting');
    const [oldest] = listener.unread;
    if (iteration?.over) this.outcomes[id] = 'done';
    else if (iteration && !listener.ended && iteration.ends < listener.ends) this.#finish(listener, id, iteration);
    else if (listener.missed > 0) {
      this.outcomes[id] = `missed ${listener.missed}`;
      listener.missed = 0;
    } else if (oldest !== undefined) {
      this.outcomes[id] = `event ${oldest}`;
      listener.unread.shift();
    } else if (listener.ended) this.#finish(listener, id, iteration);
    else listener.readers.push({ id, iteration });
  }

  #leave(listener: NaiveListener): void {
    const { iteration } = listener;
    if (!iteration) return;
    listener.iteration = undefined;
    for (const reader of listener.readers) if (reader.iteration === iteration) this.outcomes[reader.id] = 'done';
    listener.readers = listener.readers.filter((reader) => reader.iteration !== iteration);
  }

  #push(item: Sent | 'closed' | 'lost'): void {
    this.#waiting.push(item);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (this.#closed) continue;
      if (typeof next === 'string') this.#close(next);
      else this.#dispatch(next);
    }
    this.#busy = false;
  }

  #close(how: 'closed' | 'lost'): void {
    this.#closed = how;
    this.#sourceEnded = true;
    for (const listener of this.#registered) this.#end(listener, how);
    this.log.push('bus ended');
  }

  #dispatch(event: Sent): void {
    const wanting = this.#registered
      .filter((listener) => listener.overrides || listener.nameFits(event.name))
      .map((listener) => ({ listener, registration: listener.registration }));
    this.log.push(`bus ${event.id}`);
    this.#react(event, 'bus', 0);
    for (const { listener, registration } of wanting) {
      if (listener.registration !== registration) continue;
      if (!this.#put(listener, event)) this.log.push(`${listener.at} failed ${event.id}`);
    }
  }

  /** False if the listener failed. */
  #put(listener: NaiveListener, event: Sent): boolean {
    const { registration } = listener;
    if (listener.ended) return true;
    const verdict = this.#accepts(listener, event);
    if (verdict === 'fails') return false;
    if (!verdict || listener.registration !== registration) return true;
    const { historyLimit, queueLimit, tellsLag } = listener.setting;
    listener.history.push(event.id);
    if (listener.history.length > historyLimit) listener.history.shift();
    const reader = listener.readers.shift();
    if (reader) this.outcomes[reader.id] = `event ${event.id}`;
    else if (queueLimit > 0) {
      listener.unread.push(event.id);
      if (listener.unread.length > queueLimit) {
        listener.unread.shift();
        listener.dropped += 1;
        if (tellsLag) this.log.push(`${listener.at} lags`);
        else listener.missed += 1;
      }
    }
    if (listener.watched) {
      this.log.push(`${listener.at} sees ${event.id}`);
      this.#react(event, 'view', listener.at);
    }
    return true;
  }

  #accepts(listener: NaiveListener, event: Sent): boolean | 'fails' {
    const widened = listener.overrides && event.name === 'RESET';
    if (!listener.nameFits(event.name)) return widened;
    const { filter } = listener;
    if (filter === 'none') return true;
    this.#react(event, 'filter', listener.at);
    if (filter === 'throws' || filter === 'promise') return 'fails';
    return event.id % 2 === 0 || widened;
  }

  #putByHand(listener: NaiveListener): void {
    const event: Sent = { id: (this.#events += 1), name: 'STOP', reactions: [] };
    if (!this.#put(listener, event)) this.log.push(`${listener.at} throws`);
  }

  #react(event: Sent, by: Reaction['by'], at: number): void {
    for (const reaction of event.reactions) {
      if (reaction.by !== by || reaction.at !== at) continue;
      for (const operation of reaction.operations) this.apply(operation);
    }
  }
}
