import { Observable } from 'rxjs';
import { isRecord } from '../foundation/checks.js';
import { CommandCutter } from '../protocol/command-cutter.js';
import { Framing } from '../protocol/framing.js';
import type { Message } from '../protocol/message.js';
import { qemuJson } from '../testing/qemu-json.js';
import { Secrets } from '../testing/transcript/secrets.js';
import { lineOf } from '../testing/transcript/transcript.js';
import type { Connection, Connector } from '../transport/connection.js';

/** Longer messages end the recording of a connection, not the connection. */
const LIMIT = 64 * 1024 * 1024;

/**
 * The same connector, of whose connections every message is written as the line of a transcript, in both directions. What passes
 * through is left as it is; what is not a JSON object is not recorded.
 */
export function recordingConnector(connector: Connector, write: (line: string) => void): Connector {
  const start = Date.now();
  return async (signal) => record(await connector(signal), start, write);
}

function record(connection: Connection, start: number, write: (line: string) => void): Connection {
  const secrets = new Secrets();
  const cutter = new CommandCutter(LIMIT);
  const encoder = new TextEncoder();
  const framing = new Framing(
    { name: 'the recording', maxMessageBytes: LIMIT, integers: 'number' },
    {
      message: (message, text) => {
        write(lineOf(Date.now() - start, 'in', secrets.blankReply(message as Message) ?? text.trim()));
      },
      diagnostic: () => undefined,
    },
  );
  const heard = untilItFails((chunk: Uint8Array | string) => {
    framing.push(chunk);
  });
  const said = untilItFails((data: Uint8Array | string) => {
    cutter.push(typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data));
    for (let text = cutter.next(); text !== undefined; text = cutter.next()) {
      const command = parsed(text);
      if (isRecord(command)) {
        write(lineOf(Date.now() - start, 'out', qemuJson(secrets.blankCommand(command))));
      }
    }
  });
  return {
    incoming$: new Observable((subscriber) =>
      connection.incoming$.subscribe({
        next: (chunk) => {
          heard(chunk);
          subscriber.next(chunk);
        },
        error: (cause: unknown) => {
          subscriber.error(cause);
        },
        complete: () => {
          subscriber.complete();
        },
      }),
    ),
    send: (data) => {
      said(data);
      connection.send(data);
    },
    close: () => {
      connection.close();
    },
  };
}

/** Does it no more once it has thrown: a message that cannot be recorded must not keep others from passing. */
function untilItFails<T>(action: (value: T) => void): (value: T) => void {
  let failed = false;
  return (value) => {
    if (failed) return;
    try {
      action(value);
    } catch {
      failed = true;
    }
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
