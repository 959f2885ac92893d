import { show } from '../foundation/text.js';
import type { QKeyCode } from '../protocol/qapi/types.js';
import type { QmpClient } from '../client/qmp-client.js';
import { inSession, sleep, type TaskOptions } from './in-session.js';
import { usLayout, type KeyboardLayout } from './us-layout.js';

/** Milliseconds. QEMU's queue of keys is short and drops in silence: of 600 sent at once, 197 arrived. */
const HOLD = 20;
const BETWEEN = 40;

/** The keyboard that a text is typed on. */
export interface TypeTextOptions extends TaskOptions {
  /** The layout that the guest's keyboard has: which chord gives which character. @default 'us' */
  readonly layout?: 'us' | KeyboardLayout;
}

/**
 * Presses keys together and lets go of them: `'ctrl-alt-delete'`. Resolves when the guest has had the time to see them.
 *
 * Rejects with `ExecuteError` where QEMU knows no such key.
 *
 * @param chord names of QEMU's `QKeyCode`, joined by `-`: letters and digits are their own names, `ret`, `esc`, `f1`, `spc`, …
 */
export function pressKeys(client: QmpClient, chord: string, { signal }: TaskOptions = {}): Promise<void> {
  if (typeof chord !== 'string' || chord === '') {
    return Promise.reject(new TypeError(`chord must be the names of keys, not ${show(chord)}`));
  }
  return inSession(client, signal, (ending) => press(client, chord, ending));
}

/**
 * Types a text into the guest's keyboard, one key after the other, 25 a second at most. `\n` is the enter key. The characters of
 * the US layout work at once; for another layout give a table.
 *
 * Rejects with `RangeError`, before anything is typed, where the layout lacks a character.
 *
 * ```ts
 * await typeText(client, 'root\n');
 * await typeText(client, 'grün\n', { layout: { ...germanKeys } }); // { ü: 'bracket_left', … }
 * ```
 */
export async function typeText(
  client: QmpClient,
  text: string,
  { layout = 'us', signal }: TypeTextOptions = {},
): Promise<void> {
  if (typeof text !== 'string') throw new TypeError(`text must be a string, not ${show(text)}`);
  const table = layout === 'us' ? usLayout() : layout;
  const chords = Array.from(text, (character, index) => {
    if (Object.hasOwn(table, character)) return table[character] ?? '';
    // Not the text itself: it may be a password.
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    throw new RangeError(
      `the ${layout === 'us' ? 'US ' : ''}layout has no key for character ${index + 1}, U+${code}; give a layout that has`,
    );
  });
  await inSession(client, signal, async (ending) => {
    for (const chord of chords) await press(client, chord, ending);
  });
}

async function press(client: QmpClient, chord: string, signal: AbortSignal): Promise<void> {
  const keys = chord.split('-').map((data) => ({ type: 'qcode' as const, data: data as QKeyCode }));
  await client.execute('send-key', { keys, 'hold-time': HOLD }, { signal });
  await sleep(BETWEEN, signal);
}
