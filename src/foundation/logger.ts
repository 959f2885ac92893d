/** Where a bus reports what happens to it. `console` and a pino logger fit. */
export interface Logger {
  /** Takes what helps to find a mistake: messages and states. */
  debug(message: string): void;
  /** Takes what an operator wants to know, such as the audit of a hub; may be missing. */
  info?(message: string): void;
  /** Takes what went wrong and was survived. */
  warn(message: string): void;
}
