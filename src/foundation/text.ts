/** What a value calls itself. Unlike `String`, it never throws: what others throw at us may be anything. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `${typeof value} that cannot be shown`;
  }
}
