/** `String(value)` that never throws: a filter may throw anything, also an object whose `toString` throws. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `${typeof value} that cannot be shown`;
  }
}

/** A short word for a value in an error message. */
export function show(value: unknown): string {
  if (value === null || typeof value === 'undefined' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  if (typeof value === 'string') return excerpt(value);
  return Array.isArray(value) ? 'an array' : typeof value === 'function' ? 'a function' : `of type ${typeof value}`;
}

/** The beginning of a text that somebody else made, in quotes, its control characters escaped. */
export function excerpt(text: string): string {
  return JSON.stringify(shorten(text));
}

/** The same without the quotes. */
export function escaped(text: string): string {
  return excerpt(text).slice(1, -1);
}

/** The text, or its beginning and `…` where it has more than so many characters. */
export function shorten(text: string, length = 80): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
