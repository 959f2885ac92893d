/** What is known of one name in one version: its features, or undefined where that version lacks it. */
export type Presence = readonly string[] | undefined;

/** What a reader of the types is told about a name. */
export interface Note {
  /** Which of the versions have it, in words; undefined if all do. */
  readonly when: string | undefined;
  readonly deprecated: boolean;
  readonly unstable: boolean;
}

/** Oldest first; versions are compared number by number. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** `7.2` for 7.2.22, but the whole version where two of the versions share the first two numbers. */
export function shortVersions(versions: readonly string[]): string[] {
  const short = versions.map((version) => /^\d+\.\d+/.exec(version)?.[0] ?? version);
  return short.map((label, index) =>
    short.indexOf(label) === short.lastIndexOf(label) ? label : (versions[index] ?? label),
  );
}

/**
 * The note for something that `present` tells about, version by version. Only the `applicable` versions count: that a command's
 * argument came with the command is not worth a word.
 */
export function noteOf(labels: readonly string[], applicable: readonly boolean[], present: readonly Presence[]): Note {
  const newest = present.filter((features) => features !== undefined).at(-1) ?? [];
  const rows = labels.flatMap((label, index) =>
    applicable[index] === true ? [{ label, has: present[index] !== undefined }] : [],
  );
  return { when: whenOf(rows), deprecated: newest.includes('deprecated'), unstable: newest.includes('unstable') };
}

function whenOf(rows: readonly { label: string; has: boolean }[]): string | undefined {
  const labels = (list: typeof rows): string => list.map(({ label }) => label).join(', ');
  const lacking = rows.filter(({ has }) => !has);
  if (lacking.length === 0) return undefined;
  const having = rows.filter(({ has }) => has);
  const turns = rows.filter(({ has }, index) => index > 0 && has !== rows[index - 1]?.has);
  if (turns.length === 1 && rows[0]?.has === false) {
    return `Since QEMU ${labels(having.slice(0, 1))} (not in ${labels(lacking.slice(-1))})`;
  }
  if (turns.length === 1) return `Not in QEMU ${labels(lacking.slice(0, 1))}${lacking.length > 1 ? ' and later' : ''}`;
  return `Only in QEMU ${labels(having)}`;
}
