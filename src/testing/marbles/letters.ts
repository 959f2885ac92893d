import type { EventMap } from '../../protocol/qapi/event-map.js';
import type { EventName, QmpEvent } from '../../protocol/message.js';
import { event } from '../event.js';

/** The events that need no data. */
export type PlainName = { [N in EventName]: undefined extends EventMap[N] ? N : never }[EventName];

/** What each letter of a diagram stands for: the name of an event without data, or an event made by `event()`. */
export type MarbleLetters = Readonly<Record<string, PlainName | QmpEvent>>;

/** The letters as events. */
export function eventsOf(letters: MarbleLetters): Readonly<Record<string, QmpEvent>> {
  return Object.fromEntries(
    Object.entries(letters).map(([letter, meaning]) => [
      letter,
      typeof meaning === 'string' ? (event(meaning) as QmpEvent) : meaning,
    ]),
  );
}

/** The values for a diagram: its own first, then the events, and any other letter for itself. */
export function valuesFor(
  marbles: string,
  own: Readonly<Record<string, unknown>> | null | undefined,
  events: Readonly<Record<string, QmpEvent>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const letter of marbles) values[letter] = letter;
  return { ...values, ...events, ...own };
}

/** @throws Error if a letter of the diagram stands for no event */
export function checkLetters(marbles: string, events: Readonly<Record<string, QmpEvent>>): void {
  // Times such as `5s` are no letters.
  for (const letter of marbles.replace(/(^|\s)\d+(\.\d+)?(ms|s|m)(?=\s|$)/g, ' ')) {
    if (!/[\s\-^()|#]/.test(letter) && !(letter in events)) {
      throw new Error(`in "${marbles}" the letter ${letter} stands for no event; say which: { ${letter}: 'STOP' }`);
    }
  }
}
