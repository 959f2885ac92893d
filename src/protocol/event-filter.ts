import type { EventName, QmpEvent } from './message.js';

/** What a filter may return: true or false, or anything that counts as such; a promise does not. */
export type FilterVerdict =
  boolean | string | number | bigint | symbol | null | undefined | (object & { readonly then?: never });

// A method's parameter is compared bivariantly, so that a listener for one event is a listener.
/** A filter of events of the type `E`: a synchronous function that says which of them are wanted. */
export type FilterOf<E> = { accepts(event: E): FilterVerdict }['accepts'];

/** Decides which of the events with the right name a listener accepts. Synchronous: a promise is a fault, not a yes. */
export type EventFilter<N extends string = EventName> = FilterOf<QmpEvent<N>>;
