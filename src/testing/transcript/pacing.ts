import { asyncScheduler, Subscription } from 'rxjs';
import type { TranscriptEntry } from './transcript.js';

/** How fast a recording is played. */
export interface PlaybackOptions {
  /** How many times faster than it was recorded; Infinity plays everything at once. @default 1 */
  readonly speed?: number;
}

/** @throws TypeError | RangeError */
export function checkSpeed({ speed = 1 }: PlaybackOptions): number {
  if (typeof speed !== 'number') throw new TypeError(`speed must be a number, not a ${typeof speed}`);
  if (!(speed > 0)) throw new RangeError(`speed must be above 0; it is ${speed}`);
  return speed;
}

/**
 * Calls with each entry when its time has come, synchronously with those that are due already.
 *
 * @param start when, by the clock of RxJS, the time 0 of the transcript was
 */
export function inTime(
  entries: readonly TranscriptEntry[],
  speed: number,
  start: number,
  observer: { next(entry: TranscriptEntry): void; complete(): void },
): Subscription {
  const playing = new Subscription();
  let place = 0;
  const proceed = (): void => {
    for (; !playing.closed; place += 1) {
      const entry = entries[place];
      if (!entry) {
        observer.complete();
        return;
      }
      const wait = start + entry.t / speed - asyncScheduler.now();
      if (wait > 0) {
        playing.add(asyncScheduler.schedule(proceed, wait));
        return;
      }
      observer.next(entry);
    }
  };
  proceed();
  return playing;
}
