import { isRecord } from '../foundation/checks.js';
import { EventListener, type ListenerOptions } from './event-listener.js';

/** The events that tell of a job; those of block jobs name it `device`. */
const EVENTS = [
  'JOB_STATUS_CHANGE',
  'BLOCK_JOB_COMPLETED',
  'BLOCK_JOB_CANCELLED',
  'BLOCK_JOB_ERROR',
  'BLOCK_JOB_READY',
  'BLOCK_JOB_PENDING',
] as const;

/** Hears all events of one job: how its status changes, and what block jobs tell of their end, errors and readiness. */
export class JobListener extends EventListener<(typeof EVENTS)[number]> {
  /** The id of the job. */
  readonly job: string;

  /** @param job its id */
  constructor(job: string, options?: ListenerOptions) {
    super(EVENTS, ({ data }) => isRecord(data) && (data.id === job || data.device === job), options);
    this.job = job;
  }
}
