import { Subject } from 'rxjs';
import { EventBus, type EventBusOptions, type Message, type QmpEvent } from 'rx-qmp';

let clock = 0;

/** An event of its own; its timestamp tells it from every other. */
export function eventOf(event: string, data?: object): QmpEvent {
  clock += 1;
  const sent: object = { event, timestamp: { seconds: clock, microseconds: 0 }, ...(data && { data }) };
  return sent as QmpEvent;
}

/** A bus with the stream that feeds it. */
export interface OpenBus {
  readonly bus: EventBus;
  readonly source: Subject<Message>;
  /** Sends a new event through the bus and returns it. */
  readonly emit: (event: string, data?: object) => QmpEvent;
}

export function openBus(options?: EventBusOptions): OpenBus {
  const source = new Subject<Message>();
  const bus = new EventBus(source, options);
  const emit = (event: string, data?: object): QmpEvent => {
    const sent = eventOf(event, data);
    source.next(sent);
    return sent;
  };
  return { bus, source, emit };
}

export function namesIn(events: readonly { readonly event: string }[]): string[] {
  return events.map(({ event }) => event);
}

/** How a promise stands once the microtasks are done. */
export async function settled<T>(promise: Promise<T>): Promise<'waiting' | { value: T } | { error: unknown }> {
  let state: 'waiting' | { value: T } | { error: unknown } = 'waiting';
  promise.then(
    (value) => {
      state = { value };
    },
    (error: unknown) => {
      state = { error };
    },
  );
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return state;
}
