import { HubClient, type HubState, type WebSocketLike } from 'rx-qmp';

const GREETING = {
  hub: { protocol: 1, epoch: 'abc', role: 'viewer', name: 'ann', allow: [], screen: false },
  n: 0,
  vms: [],
};

/** The end of a WebSocket that a hub would have. */
class ScriptedSocket implements WebSocketLike {
  static all: ScriptedSocket[] = [];
  binaryType = '';
  readonly bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  closed = false;

  constructor() {
    ScriptedSocket.all.push(this);
  }

  static get latest(): ScriptedSocket {
    const latest = ScriptedSocket.all.at(-1);
    if (!latest) throw new Error('nobody has connected');
    return latest;
  }

  open(): void {
    this.onopen?.();
    this.say(`${JSON.stringify(GREETING)}\n`);
  }

  say(data: string): void {
    this.onmessage?.({ data });
  }

  end(): void {
    this.onclose?.({ code: 1006, reason: '' });
  }

  send(): void {
    throw new Error('/events takes no messages');
  }

  close(): void {
    this.closed = true;
  }
}

let client: HubClient;
let states: HubState[];
let attempts: number[];

beforeEach(() => {
  jest.useFakeTimers();
  ScriptedSocket.all = [];
  [states, attempts] = [[], []];
  client = new HubClient('ws://hub', {
    WebSocket: ScriptedSocket,
    reconnect: {
      delay: (attempt) => {
        attempts.push(attempt);
        return 1_000;
      },
    },
  });
  client.state$.subscribe((state) => states.push(state));
});

afterEach(async () => {
  await client.close();
  jest.useRealTimers();
});

const after = (milliseconds: number): Promise<void> => jest.advanceTimersByTimeAsync(milliseconds);

async function open(): Promise<ScriptedSocket> {
  await after(0);
  const { latest } = ScriptedSocket;
  latest.open();
  await after(0);
  expect(states.at(-1)?.phase).toBe('open');
  return latest;
}

describe('a connection to /events', () => {
  it('ends as a loss after 30 s without a byte, and begins again (C10)', async () => {
    const socket = await open();
    await after(29_900);
    expect(states.at(-1)?.phase).toBe('open');
    await after(200);
    expect(states.at(-1)).toMatchObject({
      phase: 'reconnecting',
      cause: { name: 'DisconnectedError', message: expect.stringContaining('nothing came for 30000 ms') as string },
    });
    expect(socket.closed).toBe(true);
    await after(1_000);
    expect(ScriptedSocket.all).toHaveLength(2);
  });

  it('stays for an hour while the blank lines of the hub come (C10)', async () => {
    const socket = await open();
    for (let time = 0; time < 3_600_000; time += 16_000) {
      await after(16_000);
      socket.say('\n');
    }
    expect(states.at(-1)?.phase).toBe('open');
    expect(ScriptedSocket.all).toHaveLength(1);
  });

  it('counts attempts on until one has lasted 10 s, then from 1 again (C15)', async () => {
    for (const lasting of [0, 9_900, 0]) {
      const socket = await open();
      await after(lasting);
      socket.end();
      await after(1_000);
    }
    expect(attempts).toEqual([1, 2, 3]);
    const steady = await open();
    await after(10_000);
    steady.end();
    await after(1_000);
    ScriptedSocket.latest.end();
    await after(1_000);
    expect(attempts).toEqual([1, 2, 3, 1, 2]);
  });

  it('counts from 1 where nobody has watched meanwhile (C15)', async () => {
    await client.close();
    client = new HubClient('ws://hub', { WebSocket: ScriptedSocket, reconnect: { delay: (n) => attempts.push(n) } });
    const watching = client.vms$.subscribe();
    for (let time = 0; time < 2; time += 1) {
      await after(10);
      ScriptedSocket.latest.end();
    }
    await after(10);
    watching.unsubscribe();
    client.vms$.subscribe();
    await after(0);
    ScriptedSocket.latest.end();
    await after(10);
    expect(attempts).toEqual([1, 2, 1]);
  });
});
