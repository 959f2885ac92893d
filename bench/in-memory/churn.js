// Nanoseconds to subscribe to observe(), to hear one event, and to unsubscribe, beside others on names of their own.
import { Subject } from 'rxjs';
import { EventBus } from '../../dist/index.js';
import { nanosecondsPerTurn } from '../in-a-loop.js';
import { eventsNamed } from './events.js';

/** @param {{ others: number, milliseconds: number, fresh?: boolean }} input `fresh`: a new name each time */
export async function churn({ others, milliseconds, fresh = false }) {
  const source = new Subject();
  const bus = new EventBus(source);
  for (let other = 0; other < others; other += 1) bus.observe(`OTHER_${other}`).subscribe();
  const [event] = eventsNamed('CHURNED');
  let heard = 0;
  let turns = 0;
  const result = await nanosecondsPerTurn(milliseconds, (count) => {
    for (let turn = 0; turn < count; turn += 1) {
      const name = fresh ? `CHURNED_${turns}` : 'CHURNED';
      const subscription = bus.observe(name).subscribe(() => {
        heard += 1;
      });
      source.next(fresh ? { ...event, event: name } : event);
      subscription.unsubscribe();
      turns += 1;
    }
  });
  if (heard !== turns) throw new Error(`${heard} of ${turns} events were heard`);
  return result;
}
