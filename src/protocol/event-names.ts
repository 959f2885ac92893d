import type { EventName, QmpEvent } from './message.js';
import type { EventMap } from './qapi/event-map.js';

/** What `names` may be: one name, several, or none (`null`, an empty iterable), which means every event. */
export type EventNames = string | (Iterable<string> & object) | null;

/** The union of the names in an {@link EventNames}; every name where they are not known. */
export type NameIn<T> = T extends string
  ? string extends T
    ? EventName
    : T
  : T extends Iterable<infer N extends string>
    ? [N] extends [never]
      ? EventName
      : NameIn<N>
    : EventName;

/**
 * Refuses a literal that the map does not list (a typo would wait for ever). What is no literal passes: `string`, a template
 * like `` `X_${number}` ``. `NoInfer` makes the compiler say which name was meant.
 */
export type KnownName<N extends string, M = EventMap> = NoInfer<
  keyof M | (string extends N ? unknown : OpenName<N, M>)
>;

/** The same for {@link EventNames}. */
export type KnownNames<T> = NoInfer<
  T extends string ? KnownName<T> : T extends Iterable<infer N extends string> ? Iterable<KnownName<N>> : T
>;

// The record of a literal requires a property, that of a template none.
type OpenName<N extends string, M> = N extends keyof M
  ? never
  : Partial<Record<N, unknown>> extends Record<N, unknown>
    ? N
    : NotIn<M>;

/** No string has this type; its name is for the compiler's messages. */
interface NotIn<M> {
  readonly map: M;
}

/** True or false, or anything that counts as such; a promise does not. */
type Verdict = boolean | string | number | bigint | symbol | null | undefined | (object & { readonly then?: never });

// A method's parameter is compared bivariantly, so that a listener for one event is a listener.
export type FilterOf<E> = { accepts(event: E): Verdict }['accepts'];

/** Decides which of the events with the right name a listener accepts. Synchronous: a promise is a fault, not a yes. */
export type EventFilter<N extends string = EventName> = FilterOf<QmpEvent<N>>;
