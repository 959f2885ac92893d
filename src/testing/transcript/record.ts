import { asyncScheduler, Observable } from 'rxjs';
import type { QmpClient } from '../../client/qmp-client.js';
import { qemuJson } from '../qemu-json.js';
import { Secrets } from './secrets.js';
import { lineOf } from './transcript.js';

/**
 * What goes over a client's wire from the subscription on, as the lines of a transcript: `{ t, dir, msg }`, `t` in
 * milliseconds since the subscription, `dir` `in` or `out`. A client that runs already begins with its greeting. What the server
 * sent is kept byte for byte. Completes when the client is closed.
 *
 * ```ts
 * const file = createWriteStream('vm1.jsonl', { mode: 0o600 });
 * record(client).subscribe((line) => file.write(`${line}\n`));
 * ```
 *
 * Passwords and other secrets that QMP is known to carry are blanked. Keys typed by `send-key`, names of files
 * and answers are not: keep a transcript as you keep the VM's logs.
 */
export function record(client: Pick<QmpClient, 'greeting' | 'traffic$'>): Observable<string> {
  return new Observable((subscriber) => {
    const secrets = new Secrets();
    const start = asyncScheduler.now();
    const elapsed = (): number => asyncScheduler.now() - start;
    if (client.greeting) subscriber.next(lineOf(0, 'in', qemuJson(client.greeting)));
    let probe: unknown;
    return client.traffic$.subscribe({
      next: (traffic) => {
        // The heartbeat is the client's own, and comes when it comes.
        const { message } = traffic;
        if (traffic.direction === 'sent' && traffic.heartbeat) {
          probe = traffic.message.id;
          return;
        }
        if (traffic.direction === 'received' && probe !== undefined && 'id' in message && message.id === probe) {
          probe = undefined;
          return;
        }
        subscriber.next(
          traffic.direction === 'sent'
            ? lineOf(elapsed(), 'out', qemuJson(secrets.blankCommand(traffic.message)))
            : lineOf(elapsed(), 'in', secrets.blankReply(traffic.message) ?? traffic.text.trim()),
        );
      },
      complete: () => {
        subscriber.complete();
      },
    });
  });
}
