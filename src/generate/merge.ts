import { completing, type Row } from './correspondence.js';
import type { CommandNode, EventNode, Graph } from './graph.js';
import { readSchema, type Schema } from './schema.js';
import { TypeMerger } from './type-merger.js';
import { compareVersions, noteOf, shortVersions } from './versions.js';

/** One QEMU's `query-qmp-schema` reply, or the list in it, and what to call that QEMU: '7.2.22'. */
export interface VersionedSchema {
  readonly version: string;
  readonly schema: unknown;
}

/**
 * Commands that take more than introspection lists, wherever it shows no union for them: QEMU declares them with
 * `'gen': false` and checks the rest against the device or object. Today that is `device_add` alone; before QEMU 5.0 it was
 * `netdev_add` as well, before 6.0 `object-add`.
 */
const openEnded: ReadonlySet<string> = new Set(['device_add', 'netdev_add', 'object-add']);

/** Commands that take back what a query gave, so that a value which a newer QEMU told compiles. */
const resent: ReadonlySet<string> = new Set(['migrate-set-parameters', 'migrate-set-capabilities']);

/**
 * The types of all versions as one graph, whatever their order: what is used in the same place is merged member by member.
 * Throws {@link SchemaError} for what is no schema.
 */
export function mergeSchemas(input: readonly VersionedSchema[]): Graph {
  const schemas = input
    .map(({ version, schema }) => readSchema(schema, version))
    .sort((a, b) => compareVersions(a.version, b.version));
  // Introspection masks the names of types, so types correspond by use. The first walk collects what corresponds, the
  // second one knows it in every place.
  const rows: Row[] = [];
  walk(schemas, (row) => {
    rows.push(row);
    return row;
  });
  return walk(schemas, completing(rows));
}

function walk(schemas: readonly Schema[], complete: (row: Row) => Row): Graph {
  const labels = shortVersions(schemas.map(({ version }) => version));
  const merger = new TypeMerger(schemas, labels, complete);
  const everywhere = schemas.map(() => true);
  return {
    versions: schemas.map(({ version }) => version),
    events: namesIn(schemas.map(({ events }) => events)).map((name): EventNode => {
      const entries = schemas.map(({ events }) => events.get(name));
      const data = merger.root(
        entries.map((entry) => entry?.arguments),
        'read',
      );
      return {
        name,
        data,
        note: noteOf(
          labels,
          everywhere,
          entries.map((entry) => entry?.features),
        ),
      };
    }),
    commands: namesIn(schemas.map(({ commands }) => commands)).map((name): CommandNode => {
      const entries = schemas.map(({ commands }) => commands.get(name));
      return {
        name,
        arguments: merger.root(
          entries.map((entry) => entry?.arguments),
          resent.has(name) ? 'resent' : 'sent',
          openEnded.has(name),
        ),
        result: merger.type(
          entries.map((entry) => (entry === undefined ? [] : [entry.result])),
          'read',
        ),
        oob: entries.some((entry) => entry?.oob),
        note: noteOf(
          labels,
          everywhere,
          entries.map((entry) => entry?.features),
        ),
      };
    }),
  };
}

function namesIn(maps: readonly ReadonlyMap<string, unknown>[]): string[] {
  return [...new Set(maps.flatMap((map) => [...map.keys()]))].sort();
}
