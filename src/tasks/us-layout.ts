/** Which chord gives a character: `{ é: 'alt_r-e' }`. */
export type KeyboardLayout = Readonly<Record<string, string>>;

/** The keys that are not named by their character, each with what it gives without and with shift. */
const NAMED: Readonly<Record<string, string>> = {
  spc: ' ',
  ret: '\n',
  tab: '\t',
  minus: '-_',
  equal: '=+',
  bracket_left: '[{',
  bracket_right: ']}',
  backslash: '\\|',
  semicolon: ';:',
  apostrophe: `'"`,
  grave_accent: '`~',
  comma: ',<',
  dot: '.>',
  slash: '/?',
};
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '1!2@3#4$5%6^7&8*9(0)';

/** A US keyboard. */
export function usLayout(): KeyboardLayout {
  const chords = new Map<string, string>();
  const put = (key: string, plain: string, shifted = ''): void => {
    chords.set(plain, key);
    if (shifted) chords.set(shifted, `shift-${key}`);
  };
  for (const letter of LETTERS.match(/./g) ?? []) put(letter, letter, letter.toUpperCase());
  for (const pair of DIGITS.match(/../g) ?? []) put(pair.charAt(0), pair.charAt(0), pair.charAt(1));
  for (const [key, pair] of Object.entries(NAMED)) put(key, pair.charAt(0), pair.charAt(1));
  return Object.fromEntries(chords);
}
