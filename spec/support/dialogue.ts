import type { Connector } from '../../src/transport/connection.js';
import { Framing } from '../../src/protocol/framing.js';

/** What a client says, and which message to wait for before it says the next thing, besides the answers so far. */
export interface Line {
  readonly say: string;
  readonly until?: (message: Record<string, unknown>) => boolean;
}

/** Says the lines one after the other and returns all that the server said, in its order; from `quit` on until it closes. */
export async function dialogue(connector: Connector, lines: readonly (string | Line)[]): Promise<object[]> {
  const connection = await connector(new AbortController().signal);
  const heard: Record<string, unknown>[] = [];
  let wake = (): void => undefined;
  let over = false;
  const framing = new Framing(
    { name: 'dialogue', maxMessageBytes: 2 ** 26, integers: 'number' },
    {
      message: (message) => {
        heard.push(message as Record<string, unknown>);
        wake();
      },
      diagnostic: ({ message }) => {
        throw new Error(message);
      },
    },
  );
  const end = (): void => {
    over = true;
    wake();
  };
  connection.incoming$.subscribe({
    next: (chunk) => {
      framing.push(chunk);
    },
    error: end,
    complete: end,
  });
  const hear = async (test: (message: Record<string, unknown>) => boolean, from = 0): Promise<void> => {
    while (!over && !heard.slice(from).some(test)) await new Promise<void>((resolve) => (wake = resolve));
  };
  await hear((message) => 'QMP' in message);
  for (const [index, line] of lines.entries()) {
    const { say, until } = typeof line === 'string' ? { say: line } : line;
    const from = heard.length;
    connection.send(say);
    if (until) await hear(until, from);
    if (say.includes('"quit"')) {
      // Writing to what has gone would cost what it said before it went.
      await hear(() => false);
      break;
    }
    // Answers come in order: when this one is there, the others are.
    const id = `end of line ${index}`;
    connection.send(`{"execute": "query-name", "id": "${id}"}`);
    await hear((message) => message['id'] === id);
  }
  connection.close();
  return heard.filter(({ id }) => typeof id !== 'string' || !id.startsWith('end of line'));
}
