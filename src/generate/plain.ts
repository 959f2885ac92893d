import type { Part, PlainName } from './graph.js';

const names: ReadonlyMap<string, PlainName> = new Map([
  ['boolean', 'boolean'],
  ['int', 'number'],
  ['null', 'null'],
  ['number', 'number'],
  ['string', 'string'],
  ['value', 'unknown'],
]);

/** The type of a JSON type as introspection calls it; one of a newer QEMU that we do not know may be anything. */
export function plainPart(json: string, direction: 'read' | 'sent'): Part {
  return { kind: 'plain', name: json === 'int' && direction === 'sent' ? 'Integer' : (names.get(json) ?? 'unknown') };
}
