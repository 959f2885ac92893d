import type { Part, PlainName } from './graph.js';
import type { Direction } from './type-merger.js';

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
