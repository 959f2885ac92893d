import { dedupe } from './dedupe.js';
import { helpers } from './emit.js';
import { givenNames } from './given-names.js';
import type { Graph } from './graph.js';
import { nameTypes, pinNames, type Names } from './naming.js';

/** Equal types made one, and a name for each: what is left is to write them. */
export function prepare(merged: Graph): { graph: Graph; names: Names } {
  const pins = pinNames(merged, givenNames);
  const graph = dedupe(merged, pins);
  return { graph, names: nameTypes(graph, pins, Object.keys(helpers)) };
}
