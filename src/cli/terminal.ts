import { styleText } from 'node:util';
import { stringify } from '../protocol/json.js';

type Style = Parameters<typeof styleText>[0];

/** Colours where a person looks; `NO_COLOR` and `FORCE_COLOR` count as they do for Node itself. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(style, text, { stream });
}

/** The text with its control characters escaped: what a server sent must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** A value as one line of JSON, integers exact, safe to print. */
export function jsonLine(value: unknown): string {
  return printable(stringify(value, 'value'));
}

/** A line for people, beside the output proper. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A count with its noun. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
