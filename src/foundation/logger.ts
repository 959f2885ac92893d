/** Where a bus reports what happens to it. `console` and a pino logger fit. */
export interface Logger {
  debug(message: string): void;
  /** What people want to know who look after it. @default nothing is told */
  info?(message: string): void;
  warn(message: string): void;
}
