import { Observable } from 'rxjs';
import type { Connector } from '../../transport/connection.js';
import { Dial } from '../../client/dial.js';
import { Heartbeat } from '../../client/heartbeat.js';
import { DisconnectedError, QmpError, StateError } from '../../protocol/errors.js';
import type { Logger } from '../../foundation/logger.js';
import { Framing } from '../../protocol/framing.js';
import { isHubFrame, type HubFrame } from '../protocol.js';

const CONNECT_TIMEOUT = 10_000;
const FRAME_BYTES = 64 * 1024 * 1024;

/** The frames of one connection to `/events`. Errors with why it did not open, has ended, or is silent; never completes. */
export function hubFrames(name: string, connector: Connector, logger: Logger | undefined): Observable<HubFrame> {
  return new Observable((subscriber) => {
    const dial = new Dial(name);
    const clock = setTimeout(() => {
      dial.expire(CONNECT_TIMEOUT, connector.silence);
    }, CONNECT_TIMEOUT);
    const fail = (cause: unknown): void => {
      subscriber.error(
        cause instanceof QmpError ? cause : new DisconnectedError(`${name}: ${String(cause)}`, { cause }),
      );
    };
    const framing = new Framing(
      { name, maxMessageBytes: FRAME_BYTES, integers: 'number' },
      {
        message: (message) => {
          if (isHubFrame(message)) subscriber.next(message);
          else logger?.debug(`${name}: a frame of unknown kind was dropped`);
        },
        diagnostic: (diagnostic) => {
          logger?.warn(`${name}: ${diagnostic.message}`);
        },
      },
    );
    // A hub sends a blank line after 15 s without anything else: there is nothing to ask.
    const { heartbeat = Infinity } = connector;
    const silence = new Heartbeat(heartbeat / 2, {
      ask: () => undefined,
      silent: () => {
        fail(new DisconnectedError(`${name}: nothing came for ${heartbeat} ms, not even the blank line of a hub`));
      },
    });
    dial.open(connector).then((connection) => {
      clearTimeout(clock);
      silence.start();
      subscriber.add(() => {
        silence.stop();
        framing.stop();
        connection.close();
      });
      subscriber.add(
        connection.incoming$.subscribe({
          next: (chunk) => {
            silence.heard();
            try {
              framing.push(chunk);
            } catch (error) {
              fail(error);
            }
          },
          error: fail,
          complete: () => {
            fail(new DisconnectedError(`${name}: the hub closed the connection`));
          },
        }),
      );
    }, fail);
    return () => {
      clearTimeout(clock);
      dial.abort(new StateError(`${name}: nobody is subscribed any more`));
    };
  });
}
