import fc from 'fast-check';

/** What a filter does with an event; 'none' is no filter. */
export type FilterKind = 'none' | 'even' | 'throws' | 'promise';

/** What is done inside a dispatch: by a subscriber of the bus, or by the filter or a view's subscriber of a listener. */
export interface Reaction {
  readonly by: 'bus' | 'filter' | 'view';
  readonly at: number;
  readonly operations: readonly Operation[];
}

export type Operation =
  | { readonly do: 'register' | 'remove' | 'get' | 'next' | 'leave' | 'clear' | 'put'; readonly at: number }
  | { readonly do: 'rename'; readonly at: number; readonly names: readonly string[] }
  | { readonly do: 'add' | 'delete'; readonly at: number; readonly name: string }
  | { readonly do: 'filter'; readonly at: number; readonly kind: FilterKind }
  | { readonly do: 'abort'; readonly reader: number }
  | { readonly do: 'emit'; readonly name: string; readonly reactions: readonly Reaction[] }
  | { readonly do: 'close' | 'lose' };

/** What both buses are made of; the last listener overrides `accept` and also wants every RESET. */
export const LISTENERS: readonly { names: string[]; queueLimit: number; historyLimit: number; tellsLag: boolean }[] = [
  { names: [], queueLimit: Infinity, historyLimit: Infinity, tellsLag: false },
  { names: ['STOP'], queueLimit: 2, historyLimit: 2, tellsLag: false },
  { names: ['STOP', 'RESUME'], queueLimit: 1, historyLimit: 0, tellsLag: true },
  { names: ['RESUME'], queueLimit: 0, historyLimit: 1, tellsLag: false },
  { names: ['STOP'], queueLimit: 3, historyLimit: 3, tellsLag: false },
];

const at = fc.nat(LISTENERS.length - 1);
const name = fc.constantFrom('STOP', 'RESUME', 'RESET');

/** An operation; `depth` bounds how deep events emitted inside events go. */
function operation(depth: number): fc.Arbitrary<Operation> {
  const reaction: fc.Arbitrary<readonly Reaction[]> =
    depth === 0
      ? fc.constant([])
      : fc.array(
          fc.record({
            by: fc.constantFrom('bus', 'filter', 'view'),
            at,
            operations: fc.array(operation(depth - 1), { minLength: 1, maxLength: 3, size: 'max' }),
          }),
          { maxLength: 2, size: 'max' },
        );
  return fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('emit'), name, reactions: reaction }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('register', 'remove', 'get', 'next'), at }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('leave', 'clear', 'put'), at }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('rename'), at, names: fc.array(name, { maxLength: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('add', 'delete'), at, name }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('filter'),
        at,
        kind: fc.constantFrom<FilterKind[]>('none', 'even', 'throws', 'promise'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort'), reader: fc.nat(9) }) },
  );
}

const end: fc.Arbitrary<Operation> = fc.constantFrom({ do: 'close' }, { do: 'lose' });

/** A life of a bus; it may end in the middle, inside a dispatch or out of it. */
export const operations: fc.Arbitrary<readonly Operation[]> = fc
  .tuple(
    fc.subarray(LISTENERS.map((_, place) => place)),
    fc.array(operation(2), { maxLength: 50, size: 'max' }),
    fc.option(fc.tuple(end, fc.boolean(), fc.array(operation(1), { maxLength: 8, size: 'max' })), {
      freq: 2,
      nil: undefined,
    }),
  )
  .map(([registered, doings, ending]) => {
    const before = [...registered.map((place): Operation => ({ do: 'register', at: place })), ...doings];
    if (!ending) return before;
    const [closing, inside, after] = ending;
    const reaction: Reaction = { by: 'bus', at: 0, operations: [closing, ...after.slice(0, 2)] };
    return [...before, inside ? { do: 'emit', name: 'STOP', reactions: [reaction] } : closing, ...after];
  });
