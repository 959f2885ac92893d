import type { EventName, QmpEvent } from './message.js';

/** What `names` may be: one name, several, or none (`null`, an empty iterable), which means every event. */
export type EventNames = string | (Iterable<string> & object) | null;

/** The union of the names in an {@link EventNames}. */
export type NameIn<T> = T extends string
  ? T
  : T extends Iterable<infer N extends string>
    ? [N] extends [never]
      ? EventName
      : N
    : EventName;

/** Refuses a literal that no `EventMap` lists (a typo would wait for ever) and lets a variable of type `string` pass. */
export type KnownName<N extends string> = EventName | OpenName<N>;

/** The same for {@link EventNames}. */
export type KnownNames<T> =
  | EventName
  | (Iterable<EventName> & object)
  | null
  | (T extends string ? OpenName<T> : T extends Iterable<infer N> ? Iterable<OpenName<N>> & object : never);

type OpenName<N> = string extends N ? string : never;

/** True or false, or anything that counts as such; a promise does not. */
type Verdict = boolean | string | number | bigint | symbol | null | undefined | (object & { readonly then?: never });

// A method's parameter is compared bivariantly, so that a listener for one event is a listener.
export type FilterOf<E> = { accepts(event: E): Verdict }['accepts'];

/** Decides which of the events with the right name a listener accepts. Synchronous: a promise is a fault, not a yes. */
export type EventFilter<N extends string = EventName> = FilterOf<QmpEvent<N>>;
