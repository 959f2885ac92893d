/** What may stand at the end of a line, and the word it takes the place of: as `node:readline` wants it. */
export type Completion = [string[], string];

/** Those of the candidates that begin as the word does. */
export function starting(word: string, candidates: readonly string[]): Completion {
  return [[...new Set(candidates)].filter((candidate) => candidate.startsWith(word)).sort(), word];
}
