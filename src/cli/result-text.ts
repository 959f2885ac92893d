import { format } from '../protocol/json.js';
import { printable } from './terminal.js';

/** What a command returned: JSON on as many lines as it takes; with `raw` a text as it is. Safe to print. */
export function resultText(result: unknown, raw: boolean): string {
  const text = raw && typeof result === 'string' ? result.replace(/\r?\n$/, '') : format(result);
  return text
    .split(/\r?\n/)
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');
}
