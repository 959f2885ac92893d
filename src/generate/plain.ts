import type { Part, PlainName } from './graph.js';

/**
 * What is read and what is sent differ in integers and enums, so a type that is used both ways becomes two nodes. What is
 * resent was read before: it takes any value of an enum.
 */
export type Direction = 'read' | 'sent' | 'resent';

const names: ReadonlyMap<string, PlainName> = new Map([
  ['boolean', 'boolean'],
  ['int', 'number'],
  ['null', 'null'],
  ['number', 'number'],
  ['string', 'string'],
  ['value', 'unknown'],
]);

/** The type of a JSON type as introspection calls it; one of a newer QEMU that we do not know may be anything. */
export function plainPart(json: string, direction: Direction): Part {
  return { kind: 'plain', name: json === 'int' && direction !== 'read' ? 'Integer' : (names.get(json) ?? 'unknown') };
}
