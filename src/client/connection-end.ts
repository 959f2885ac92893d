/** The connection ended (`cause` if it broke), after all the bytes that came before. */
export class ConnectionEnd {
  readonly cause: unknown;

  constructor(cause?: unknown) {
    this.cause = cause;
  }
}
