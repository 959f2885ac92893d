import type { ProtocolDiagnostic } from '../protocol/diagnostic.js';
import { ProtocolError } from '../protocol/errors.js';

/** A server that sends so many messages in a row that mean nothing is no QMP server. */
const LIMIT = 10_000;

/** Counts the messages in a row that mean nothing. */
export class Noise {
  readonly #name: string;
  #count = 0;

  /** @param name stands in the error */
  constructor(name: string) {
    this.#name = name;
  }

  /** One more. @throws ProtocolError after too many */
  heard({ message }: ProtocolDiagnostic): void {
    this.#count += 1;
    if (this.#count < LIMIT) return;
    throw new ProtocolError(
      `${this.#name}: ${LIMIT} messages in a row meant nothing, the last one: ${message}; is this a QMP monitor?`,
    );
  }

  /** A message has come that means something. */
  end(): void {
    this.#count = 0;
  }
}
