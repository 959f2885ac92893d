import { filter, type OperatorFunction } from 'rxjs';
import type { EventName, Message, QmpEvent } from '../protocol/message.js';
import type { KnownName, OpenName } from '../protocol/event-names.js';

/**
 * Lets the events with these names through and narrows their type.
 *
 * ```ts
 * client.messages$.pipe(ofEvent('JOB_STATUS_CHANGE')).subscribe((event) => console.log(event.data.status));
 * ```
 */
export function ofEvent<const N extends EventName | OpenName>(
  ...names: readonly KnownName<N>[]
): OperatorFunction<Message, QmpEvent<NoInfer<N>>> {
  const wanted = new Set<unknown>(names);
  return filter((message): message is QmpEvent<N> & Message => 'event' in message && wanted.has(message.event));
}
