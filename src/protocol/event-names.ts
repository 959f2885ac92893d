import type { EventName } from './message.js';

/** What `names` may be: one name, several, or none (`null`, an empty list), which means every event. */
export type EventNames = string | readonly string[] | ReadonlySet<string> | NameIterator<string> | null;

/** A generator of names, or what `keys()` of a Map gives. */
export type NameIterator<N> = Iterator<N> & Iterable<string>;

/** A name that may be any string, beside the listed ones that editors complete. */
export type OpenName = string & {};

/** What a parameter that takes one name accepts: a listed name, or what is no literal (`string`, `` `X_${number}` ``). */
export type KnownName<N extends string, Listed extends PropertyKey = EventName> = IfKnown<
  N,
  Listed,
  N | Completions<N, Listed>,
  string & NoInfer<Listed | NotListed>
>;

/** The same for a parameter that takes one name, several or none, or else a `More`. */
export type KnownNames<N extends string, More = never> = IfKnown<
  N,
  EventName,
  // The set stands first, or its names would not be inferred. `Iterable<N>` would infer `string` from a name.
  ReadonlySet<N> | NameIterator<N> | More | N | readonly N[] | null,
  NameArgument & NoInfer<ListedEventNames>
>;

/** The names that an `EventMap` lists, in every form. */
export type ListedEventNames = EventName | readonly EventName[] | ReadonlySet<EventName> | NotListed;

// The record of a literal requires a property, that of `string` or of a template requires none. Not distributive, so that
// code that is generic in N compiles: an `N extends EventName` fits both branches.
/** `Yes` if `Listed` has the name, or if the name is not a literal; else `No`. */
export type IfKnown<N extends string, Listed, Yes, No> =
  Partial<Record<Exclude<N, Listed>, unknown>> extends Record<Exclude<N, Listed>, unknown> ? Yes : No;

/** For `f('STOP', '|')`: where one name is known already, an editor offers all the others too. */
export type Completions<N extends string, Listed> = [N] extends [string] ? Listed & string : never;

/**
 * What every argument is, here to make the compiler say which name was meant: it does so for a part of an intersection
 * (`NoInfer` keeps it one) and for the elements of an array, not for the argument as a whole.
 */
export interface NameArgument {
  /** Every value has it. */
  toString(): string;
  /** The first of several names. */
  readonly 0?: EventName;
  /** The second. */
  readonly 1?: EventName;
  /** The third. */
  readonly 2?: EventName;
  /** The fourth. */
  readonly 3?: EventName;
}

/** The type of no value. It keeps the compiler from resolving `NoInfer` before the error is written. */
export interface NotListed {
  /** No value has it. */
  readonly listed: never;
}
