/** The words of a line, and whether it goes on: whether a bracket or a text in brackets has not been closed. */
export interface Words {
  readonly words: readonly string[];
  readonly open: boolean;
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** Splits a line at blanks that stand neither in quotes nor in brackets. */
export function wordsOf(line: string): Words {
  const words: string[] = [];
  const closings: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (quote !== '') {
      if (character === '\\' && quote === '"') {
        word += character;
        at += 1;
      } else if (character === quote) quote = '';
    } else if (character === '"' || (character === "'" && closings.length === 0)) quote = character;
    else if (character in CLOSING) closings.push(CLOSING[character] ?? '');
    else if (character === closings.at(-1)) closings.pop();
    else if (/\s/.test(character) && closings.length === 0) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    word += line.charAt(at);
  }
  if (word !== '') words.push(word);
  return { words, open: closings.length > 0 };
}

/** `key='some text'` as `key="some text"`: what stands in single quotes is a text, whatever it looks like. */
export function plainWord(word: string): string {
  const [, key, text] = /^([^=]+=)'(.*)'$/s.exec(word) ?? [];
  return key === undefined || text === undefined ? word : `${key}${JSON.stringify(text)}`;
}
