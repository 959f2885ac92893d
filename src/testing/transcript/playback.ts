import { asyncScheduler, Observable } from 'rxjs';
import type { Message } from '../../protocol/message.js';
import { checkSpeed, inTime, type PlaybackOptions } from './pacing.js';
import type { Transcript } from './transcript.js';

/**
 * What the server said in a recorded session, at its time or faster; completes at its end. Each subscription plays it from the beginning.
 *
 * In the virtual time of {@link qmpMarbles} it feeds a bus: `bus(playback(transcript))`.
 */
export function playback(transcript: Transcript, options: PlaybackOptions = {}): Observable<Message> {
  const speed = checkSpeed(options);
  return new Observable((subscriber) => {
    const entries = transcript.filter(({ dir }) => dir === 'in');
    return inTime(entries, speed, asyncScheduler.now(), {
      next: ({ msg }) => {
        subscriber.next(msg as Message);
      },
      complete: () => {
        subscriber.complete();
      },
    });
  });
}
