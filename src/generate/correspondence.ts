/** The types, version by version, that are used in one place; undefined where a version has nothing there. */
export type Row = readonly (string | undefined)[];

/**
 * Completes rows with what other places tell: if only the newer version has a place, and its type stands beside an older
 * version's type elsewhere, then the two are one type here too. Where other places disagree, the row stays as it is.
 */
export function completing(rows: readonly Row[]): (row: Row) => Row {
  const distinct = [...new Map(rows.map((row) => [keyOf(row), row])).values()];
  const known = new Map<string, Row>();
  return (row) => {
    if (!row.includes(undefined)) return row;
    let found = known.get(keyOf(row));
    if (found === undefined) {
      const wider = distinct.filter((other) => extendsRow(other, row));
      const widest = wider.filter((one) => !wider.some((other) => extendsRow(other, one)));
      found = (widest.length === 1 ? widest[0] : undefined) ?? row;
      known.set(keyOf(row), found);
    }
    return found;
  };
}

export function keyOf(row: Row): string {
  return row.map((type) => type ?? '').join(' ');
}

function extendsRow(wide: Row, narrow: Row): boolean {
  return (
    narrow.every((type, i) => type === undefined || type === wide[i]) && narrow.some((type, i) => type !== wide[i])
  );
}
