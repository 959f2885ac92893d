import { EventEmitter } from 'node:events';
import type { WebSocket } from 'ws';
import { Counters } from '../../../src/gateway/counters.js';
import { ClientSocket } from '../../../src/hub/server/client-socket.js';
import { Clients } from '../../../src/hub/server/clients.js';
import { limitsOf } from '../../../src/hub/server/options.js';
import { TurnEnd } from '../../../src/hub/server/turn-end.js';
import { anybody } from '../../../src/hub/server/visitor.js';

/** A WebSocket whose client reads nothing until it is told to. */
class StoppedSocket extends EventEmitter {
  readonly sent: Buffer[] = [];
  readonly pongs: string[] = [];
  terminated = false;
  #callbacks: (() => void)[] = [];

  send(data: Buffer, _options: object, callback: () => void): void {
    this.sent.push(data);
    this.#callbacks.push(callback);
  }

  pong(payload: Buffer, _mask: boolean, callback: () => void): void {
    this.pongs.push(payload.toString());
    this.#callbacks.push(callback);
  }

  ping(): void {
    // Nobody answers.
  }

  /** The client reads all that it was sent so far. */
  read(): void {
    for (const callback of this.#callbacks.splice(0)) callback();
  }

  terminate(): void {
    if (this.terminated) return;
    this.terminated = true;
    this.emit('close', 1006);
  }
}

const open: StoppedSocket[] = [];

afterEach(() => {
  for (const socket of open.splice(0)) socket.terminate();
});

/** So many clients that have stopped reading, and what they hold together. */
function stopped(count: number, limits = {}): { sockets: StoppedSocket[]; all: ClientSocket[]; clients: Clients } {
  const turnEnd = new TurnEnd();
  const options = limitsOf({ limits });
  const clients = new Clients(options);
  const sockets = Array.from({ length: count }, () => new StoppedSocket());
  open.push(...sockets);
  const all = sockets.map((socket) => {
    const client = new ClientSocket(socket as unknown as WebSocket, {
      ...{ limits: options, counters: new Counters(), turnEnd, log: () => undefined },
      tally: (bytes) => {
        clients.tally(bytes);
      },
    });
    clients.add(client, anybody([]));
    return client;
  });
  return { sockets, all, clients };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ClientSocket', () => {
  it('answers pings that come faster than pongs go out with the last of them, one at a time (H5)', () => {
    const [socket] = stopped(1).sockets as [StoppedSocket];
    for (let ping = 0; ping < 10_000; ping += 1) socket.emit('ping', Buffer.from(String(ping)));
    expect(socket.pongs).toEqual(['0']);
    socket.read();
    expect(socket.pongs).toEqual(['0', '9999']);
    socket.read();
    socket.emit('ping', Buffer.from('again'));
    expect(socket.pongs).toEqual(['0', '9999', 'again']);
  });

  it('1,000 readers that have stopped hold no more than the bound together, and share one copy of an event (H6)', async () => {
    const totalUnreadBytes = 64 * 1024 * 1024;
    const { sockets, all, clients } = stopped(1_000, { totalUnreadBytes });
    const kept = (): number => sockets.filter(({ terminated }) => !terminated).length;
    let heaviest = 0;
    for (let event = 0; event < 150; event += 1) {
      const lines = Buffer.alloc(1_000);
      for (const client of all) {
        client.send(lines);
        heaviest = Math.max(heaviest, clients.weight);
      }
      await turn();
      const latest = sockets.filter(({ terminated }) => !terminated).map(({ sent }) => sent.at(-1)?.buffer);
      expect(new Set(latest).size).toBe(1);
    }
    expect(heaviest).toBeLessThanOrEqual(totalUnreadBytes + 1_000);
    expect(clients.weight).toBe(150 * 1_000 * kept());
    expect(kept()).toBeGreaterThan(400);
    expect(kept()).toBeLessThan(500);
  });

  it('what its commands take counts, too, and is given back once, also after the end (H6)', () => {
    const { sockets, all, clients } = stopped(3, { totalUnreadBytes: 1_000 });
    const [greedy, modest] = all as [ClientSocket, ClientSocket];
    modest.owe(300);
    greedy.owe(600);
    expect(clients.weight).toBe(900);
    greedy.owe(200);
    expect(sockets.map(({ terminated }) => terminated)).toEqual([true, false, false]);
    expect(clients.weight).toBe(300);
    greedy.owe(-800);
    modest.owe(-300);
    expect(clients.weight).toBe(0);
  });
});
