import { Observable } from 'rxjs';
import { ConnectError, ProtocolError, QmpError } from '../../protocol/errors.js';
import { isHubFrame, positionOf, type HubEvent, type HubFrame } from '../protocol.js';

/** Selects the events that {@link HubClient.history} asks for. */
export interface HubHistoryOptions {
  /** How many of the latest events, at most. @default 1_000 */
  readonly limit?: number;
  /** Only events before this one: its {@link HubEvent.position}. */
  readonly before?: string;
}

/** What one hub keeps of the events of a VM, oldest first. Each subscription asks again. */
export function hubHistory(url: string, token: string | undefined, options: HubHistoryOptions): Observable<HubEvent> {
  const target = new URL(url);
  if (options.limit !== undefined) target.searchParams.set('limit', String(options.limit));
  if (options.before !== undefined) target.searchParams.set('before', options.before);
  return new Observable((subscriber) => {
    const stopping = new AbortController();
    read(target, token, stopping.signal).then(
      (events) => {
        for (const event of events) subscriber.next(event);
        subscriber.complete();
      },
      (cause: unknown) => {
        if (stopping.signal.aborted) return;
        const text = `${url}: ${cause instanceof Error ? cause.message : String(cause)}`;
        subscriber.error(cause instanceof QmpError ? cause : new ConnectError(text, 'connecting', { cause }));
      },
    );
    return () => {
      stopping.abort();
    };
  });
}

async function read(target: URL, token: string | undefined, signal: AbortSignal): Promise<readonly HubEvent[]> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(target, { headers, signal });
  const text = await response.text();
  if (!response.ok) {
    const answer = `${target.origin}${target.pathname}: the hub answers ${response.status} ${text.trim()}`;
    throw new ConnectError(answer, 'connecting');
  }
  let epoch = '';
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const frame = parse(line, target);
    if ('hub' in frame) epoch = frame.hub.epoch;
    if (!('event' in frame)) return [];
    return { vm: frame.vm, event: frame.event, position: positionOf(epoch, frame.n) };
  });
}

function parse(line: string, target: URL): HubFrame {
  const message: unknown = JSON.parse(line);
  if (typeof message === 'object' && message !== null && isHubFrame(message)) return message;
  throw new ProtocolError(`${target.origin}${target.pathname}: that is not a line of a hub`);
}
