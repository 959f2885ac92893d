/** `; did you mean STOP?` where names are close to the word, the closest of them; else nothing. */
export function didYouMean(word: string, names: readonly string[]): string {
  let closest: string[] = [];
  let least = Math.max(1, Math.floor(word.length * 0.4));
  for (const name of names) {
    const distance = typos(word.toLowerCase(), name.toLowerCase());
    if (distance > least) continue;
    closest = distance < least ? [name] : [...closest, name];
    least = distance;
  }
  return closest.length === 0 ? '' : `; did you mean ${closest.slice(0, 3).join(' or ')}?`;
}

/**
 * How many typos lead from one word to another: a letter too many, missing, wrong, or two changed about (the optimal string
 * alignment distance).
 */
function typos(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= to.length; column += 1) {
      const wrong = from[row - 1] === to[column - 1] ? 0 : 1;
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + wrong,
          swapped ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(from.length, to.length);
}
