import { EventListener, type ListenerOptions } from './event-listener.js';
import type { QmpEvent } from '../protocol/message.js';

/** Hears how the status of one job changes. */
export class JobListener extends EventListener<'JOB_STATUS_CHANGE'> {
  /** @param job its id */
  constructor(
    readonly job: string,
    options?: ListenerOptions,
  ) {
    super('JOB_STATUS_CHANGE', (event: QmpEvent<'JOB_STATUS_CHANGE'>) => event.data.id === job, options);
  }
}
