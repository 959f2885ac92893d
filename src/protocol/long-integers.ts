const QUOTE = 34;
const MINUS = 45;
const BACKSLASH = 92;

/**
 * True if the text may hold an integer beyond 2^53: such a one has 16 digits or more, so it covers one of the places looked at.
 */
export function mayHoldLongInteger(text: string): boolean {
  for (let place = 15; place < text.length; place += 16) {
    if (!isDigit(text.charCodeAt(place))) continue;
    let from = place;
    let to = place;
    while (isDigit(text.charCodeAt(from - 1))) from -= 1;
    while (isDigit(text.charCodeAt(to + 1))) to += 1;
    if (to - from >= 15) return true;
  }
  return false;
}

/**
 * The integers of 16 digits or more in a JSON text, outside of strings. Each character is looked at once: no regular expression.
 */
export function* longIntegers(text: string): Generator<{ readonly integer: string; readonly from: number }> {
  for (let place = 0; place < text.length;) {
    const code = text.charCodeAt(place);
    if (code === QUOTE) {
      place = endOfString(text, place);
    } else if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(text, place);
      // Anything shorter, and whatever has a fraction or an exponent, is left as it is.
      if (end - place >= 16 && /^-?\d{16,}$/.test(text.slice(place, end))) {
        yield { integer: text.slice(place, end), from: place };
      }
      place = end;
    } else {
      place += 1;
    }
  }
}

/** The place after a string that begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** The place after a number that begins at `from`, its fraction and exponent included. */
function endOfNumber(text: string, from: number): number {
  let place = from + 1;
  while (isOfNumber(text.charCodeAt(place))) place += 1;
  return place;
}

function isOfNumber(code: number): boolean {
  // In the order of their frequency: digits, then + - . E e.
  return isDigit(code) || code === 43 || code === MINUS || code === 46 || code === 69 || code === 101;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
