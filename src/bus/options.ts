import type { Logger } from '../foundation/logger.js';
import type { ListenerOptions } from './event-listener.js';

/** How a bus names itself, where it reports, and what its built-in listener keeps. */
export interface EventBusOptions {
  /** The name of the bus in errors and log lines. @default 'bus' */
  readonly name?: string;
  /** Is told what the bus does and what goes wrong. @default nothing is logged */
  readonly logger?: Logger;
  /** For the built-in listener `events`. @default a window of the latest 1_000 for queue and history, without `LagError` */
  readonly events?: ListenerOptions;
}
