import { isRecord } from '../foundation/checks.js';
import { genericError } from '../protocol/command-error.js';
import type { SchemaEntry, SchemaIndex } from './schema.js';

type ObjectEntry = Extract<SchemaEntry, { 'meta-type': 'object' }>;

/**
 * Compares the arguments of a command with the schema and complains in QEMU's words.
 *
 * @throws CommandError
 */
export function checkArguments(command: string, args: object, schema: SchemaIndex): void {
  const entry = schema.get(command);
  if (entry?.['meta-type'] === 'command') checkValue(args, entry['arg-type'], '', schema);
}

function checkValue(value: unknown, type: string, path: string, schema: SchemaIndex): void {
  const entry = schema.get(type);
  switch (entry?.['meta-type']) {
    case 'builtin':
      if (!isOf(value, entry['json-type'])) throw wrongType(path, entry['json-type']);
      return;
    case 'enum':
      if (typeof value !== 'string') throw wrongType(path, 'string');
      if (!entry.members.some(({ name }) => name === value)) {
        throw genericError(`Parameter '${lastOf(path)}' does not accept value '${value}'`);
      }
      return;
    case 'array':
      if (!Array.isArray(value)) throw wrongType(path, 'array');
      value.forEach((item, index) => {
        checkValue(item, entry['element-type'], `${path}[${index}]`, schema);
      });
      return;
    case 'alternate':
      checkAlternate(value, entry, path, schema);
      return;
    case 'object':
      if (!isRecord(value)) throw wrongType(path, 'object');
      checkMembers(value, entry, path, schema);
      return;
    default:
  }
}

function checkAlternate(
  value: unknown,
  entry: Extract<SchemaEntry, { 'meta-type': 'alternate' }>,
  path: string,
  schema: SchemaIndex,
): void {
  const fitting = entry.members.find(({ type }) => isOf(value, jsonTypeOf(type, schema)));
  if (!fitting) throw wrongType(path, entry.members.map(({ type }) => jsonTypeOf(type, schema)).join(' or '));
  checkValue(value, fitting.type, path, schema);
}

/** QEMU checks what it expects in the order of the schema, then looks for what is left over. */
function checkMembers(value: Record<string, unknown>, entry: ObjectEntry, path: string, schema: SchemaIndex): void {
  const known = new Set<string>();
  const variant = checkListed(value, entry, path, schema, known);
  if (variant) checkListed(value, variant, path, schema, known);
  // A type that has variants, none of which is listed, is open: its other members are not known here.
  if (entry.tag !== undefined && !entry.variants) return;
  const unexpected = Object.keys(value).find((name) => !known.has(name));
  if (unexpected !== undefined) throw genericError(`Parameter '${join(path, unexpected)}' is unexpected`);
}

/** Returns the type that the tag selects, if there is one. */
function checkListed(
  value: Record<string, unknown>,
  entry: ObjectEntry,
  path: string,
  schema: SchemaIndex,
  known: Set<string>,
): ObjectEntry | undefined {
  for (const member of entry.members) {
    known.add(member.name);
    if (value[member.name] !== undefined) checkValue(value[member.name], member.type, join(path, member.name), schema);
    else if (!('default' in member)) throw genericError(`Parameter '${join(path, member.name)}' is missing`);
  }
  const { tag, variants = [] } = entry;
  const selected = tag === undefined ? undefined : variants.find((variant) => variant.case === value[tag]);
  const type = selected && schema.get(selected.type);
  return type?.['meta-type'] === 'object' ? type : undefined;
}

function isOf(value: unknown, type: string): boolean {
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    case 'int':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'object':
      return isRecord(value);
    case 'array':
      return Array.isArray(value);
    default:
      return true;
  }
}

/** The kind of JSON that tells the branches of an alternate apart. */
function jsonTypeOf(type: string, schema: SchemaIndex): string {
  const entry = schema.get(type);
  if (entry?.['meta-type'] === 'builtin') return entry['json-type'];
  return entry?.['meta-type'] === 'enum' ? 'string' : (entry?.['meta-type'] ?? 'value');
}

function wrongType(path: string, expected: string): Error {
  const type = expected === 'int' ? 'integer' : expected;
  return genericError(`Invalid parameter type for '${path}', expected: ${type}`);
}

function join(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}

/** QEMU names a wrong choice by its last member only, and one in a list not at all. */
function lastOf(path: string): string {
  return path.endsWith(']') ? 'null' : path.slice(path.lastIndexOf('.') + 1);
}
