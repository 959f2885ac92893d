/** Bytes as the agent takes them. */
export function toBase64(data: Uint8Array): string {
  let text = '';
  // As arguments of one call they would not fit on the stack.
  for (let at = 0; at < data.length; at += CHUNK) text += String.fromCharCode(...data.subarray(at, at + CHUNK));
  return btoa(text);
}

/** @throws if it is not Base64 */
export function fromBase64(text: string): GuestBytes {
  const characters = atob(text);
  const data = new GuestBytes(characters.length);
  for (let at = 0; at < characters.length; at += 1) data[at] = characters.charCodeAt(at);
  return data;
}

const CHUNK = 8 * 1024;

/** Bytes from a guest; `toString()` reads them as UTF-8. */
export class GuestBytes extends Uint8Array {
  /** The bytes as text, read as UTF-8. */
  override toString(): string {
    return new TextDecoder().decode(this);
  }

  // What is cut from it is plain bytes.
  static get [Symbol.species](): typeof Uint8Array {
    return Uint8Array;
  }
}

/** Several pieces as one. */
export function joined(parts: readonly Uint8Array[]): GuestBytes {
  const whole = new GuestBytes(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
