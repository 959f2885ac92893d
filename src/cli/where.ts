import { InvalidArgumentError } from 'commander';
import type { QmpEvent } from '../protocol/message.js';

/** One condition of `--where`: a path into the event and the text its value must have. */
export interface Condition {
  readonly path: readonly string[];
  readonly value: string;
}

/** Reads `data.id=job1`, and adds it to those read before. */
export function parseCondition(text: string, before: readonly Condition[] = []): Condition[] {
  const [, path, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined) {
    throw new InvalidArgumentError('It must be PATH=VALUE, data.id=job1 say.');
  }
  return [...before, { path: path.split('.'), value }];
}

/** True if the event meets all conditions. Only members that the server sent count. */
export function meets(event: QmpEvent, conditions: readonly Condition[]): boolean {
  return conditions.every(({ path, value }) => {
    let place: unknown = event;
    for (const key of path) {
      if (typeof place !== 'object' || place === null || !Object.hasOwn(place, key)) return false;
      place = (place as Record<string, unknown>)[key];
    }
    return String(place) === value;
  });
}
