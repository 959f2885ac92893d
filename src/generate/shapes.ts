import { createHash } from 'node:crypto';
import type { Schema } from './schema.js';

/**
 * A short digest of all that an event or a command says of its data, arguments and result, however the schema calls their
 * types: two versions in which it is the same give the same digest.
 */
export function shapeOf(schema: Schema, name: string): string | undefined {
  const event = schema.events.get(name);
  const command = schema.commands.get(name);
  const roots = event ? [event.arguments] : command && [command.arguments, command.result];
  if (roots === undefined) return undefined;
  // Types are numbered in the order in which they are met, since their names are masked and differ between versions.
  const numbers = new Map<string, number>();
  const numberOf = (type: string): number => {
    const number = numbers.get(type) ?? numbers.size;
    numbers.set(type, number);
    return number;
  };
  const words = [roots.map(numberOf).join(' ')];
  // A map hands out what is added while it is walked.
  for (const type of numbers.keys()) words.push(describe(schema, type, numberOf));
  return createHash('sha1').update(words.join('\n')).digest('base64url').slice(0, 6);
}

function describe(schema: Schema, name: string, numberOf: (type: string) => number): string {
  const type = schema.types.get(name);
  switch (type?.kind) {
    case undefined:
      return '';
    case 'builtin':
      return type.json;
    case 'array':
      return `list ${numberOf(type.element)}`;
    case 'enum':
      return `enum ${[...type.values.keys()].sort().join(' ')}`;
    case 'alternate':
      return `either ${type.options.map(numberOf).join(' ')}`;
    case 'object': {
      const members = [...type.members].sort(byName).map(([member, it]) => {
        return `${member}${it.optional ? '?' : ''} ${numberOf(it.type)}`;
      });
      const variants = [...type.variants].sort(byName).map(([value, variant]) => `${value} ${numberOf(variant)}`);
      return `object ${members.join(', ')} by ${type.tag ?? ''}: ${variants.join(', ')}`;
    }
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
