/**
 * One line of the table. With `maximum` or `minimum` the ratio has a budget.
 *
 * @typedef {{ what: string, value: string, against?: string, ratio?: number, minimum?: number, maximum?: number }} Row
 */

/** @param {Row[]} rows */
export function table(rows) {
  const cells = [['what', 'rx-qmp', 'against', 'ratio', 'budget', ''], ...rows.map(cellsOf)];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length), 3));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

/** @param {Row} row */
function cellsOf({ what, value, against = '', ratio, minimum, maximum }) {
  const budget = minimum !== undefined ? `≥ ${minimum}` : maximum !== undefined ? `≤ ${maximum}` : '';
  const met = ratio !== undefined && ratio >= (minimum ?? 0) && ratio <= (maximum ?? Infinity);
  return [what, value, against, ratio === undefined ? '' : show(ratio), budget, budget && (met ? 'PASS' : 'MISS')];
}

/** @param {number} ratio */
function show(ratio) {
  return ratio >= 100 ? String(Math.round(ratio)) : ratio.toFixed(2);
}
