import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.js';

/** A greeting as QEMU 7.2 sends it. */
export function greeting(...capabilities: string[]): string {
  const version = { qemu: { major: 7, minor: 2, micro: 22 }, package: 'scripted' };
  return `${JSON.stringify({ QMP: { version, capabilities } })}\r\n`;
}

export function event(name: string, data?: object): string {
  return `${JSON.stringify({ event: name, ...(data && { data }), timestamp: { seconds: 1, microseconds: 2 } })}\r\n`;
}

/** A command as it came, with its line. */
export interface Received {
  readonly execute?: string;
  readonly 'exec-oob'?: string;
  readonly arguments?: Record<string, unknown>;
  readonly id?: number;
  readonly line: string;
}

/** The server's end of one connection. */
export class Peer {
  readonly socket: Socket;
  readonly #lines: AsyncGenerator<string, undefined>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.#lines = linesOf(socket);
  }

  /** Sends text or bytes as they are; resolves when the kernel has them. */
  send(raw: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(raw, () => {
        resolve();
      });
    });
  }

  /** Reads, and drops, whatever comes until the client has closed. */
  async gone(): Promise<void> {
    for (;;) if ((await this.#lines.next()).done) return;
  }

  /** Gives one result to all commands until the client has closed. */
  async replyToAll(result: unknown = {}): Promise<void> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return;
      await this.reply(result, { ...(JSON.parse(value) as object), line: value });
    }
  }

  /** The next command of the client. */
  async command(): Promise<Received> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the client has closed');
    return { ...(JSON.parse(value) as object), line: value };
  }

  /** Answers one command, the next one if none is given. */
  async reply(result: unknown = {}, command?: Received): Promise<Received> {
    const asked = command ?? (await this.command());
    await this.send(`${JSON.stringify({ return: result, id: asked.id })}\r\n`);
    return asked;
  }

  async refuse(desc: string, command?: Received): Promise<Received> {
    const asked = command ?? (await this.command());
    await this.send(`${JSON.stringify({ error: { class: 'GenericError', desc }, id: asked.id })}\r\n`);
    return asked;
  }

  /** Greets, and answers `qmp_capabilities`. */
  async handshake(...capabilities: string[]): Promise<void> {
    await this.send(greeting(...capabilities));
    await this.reply();
  }

  /** Closes in good order, after what was sent. */
  close(): void {
    this.socket.end();
  }

  /** Breaks the connection: the client gets ECONNRESET. For a script that has read nothing of what the client sent. */
  reset(): void {
    this.socket.destroy();
  }
}

type Script = (peer: Peer) => Promise<void> | void;

const running = new Set<ScriptedServer>();

// A test that fails before its last line leaves no server behind, which would keep the whole run alive.
afterEach(async () => {
  await Promise.all([...running].map((server) => server.stop()));
});

/**
 * A server on a real socket that plays a script to each connection: one script each, the last one for all further. When a script
 * ends its connection stays open; what it throws is thrown by {@link stop}, which is called after each test.
 */
export class ScriptedServer {
  /** `unix:PATH` or `tcp:HOST:PORT`. */
  readonly address: string;
  readonly peers: Peer[] = [];
  readonly #stop: () => Promise<void>;
  #waiting: (() => void)[] = [];

  private constructor(address: string, stop: () => Promise<void>) {
    this.address = address;
    this.#stop = stop;
  }

  static unix(...scripts: Script[]): Promise<ScriptedServer> {
    const folder = temporaryFolder();
    return ScriptedServer.#start({ path: join(folder.path, 'qmp') }, scripts, () => {
      folder.remove();
    });
  }

  static tcp(...scripts: Script[]): Promise<ScriptedServer> {
    return ScriptedServer.#start({ host: '127.0.0.1', port: 0 }, scripts, () => undefined);
  }

  static async #start(endpoint: object, scripts: Script[], after: () => void): Promise<ScriptedServer> {
    // Nothing is read before a script reads.
    const server = createServer({ pauseOnConnect: true });
    const failures: unknown[] = [];
    let stopping = false;
    server.listen(endpoint);
    await once(server, 'listening');
    const bound = server.address() as AddressInfo | string;
    const address = typeof bound === 'string' ? `unix:${bound}` : `tcp:${bound.address}:${bound.port}`;
    const scripted = new ScriptedServer(address, async () => {
      if (stopping) return;
      stopping = true;
      running.delete(scripted);
      server.close();
      for (const peer of scripted.peers) peer.socket.destroy();
      await once(server, 'close');
      after();
      if (failures.length > 0) throw failures[0];
    });
    running.add(scripted);
    server.on('connection', (socket) => {
      const peer = new Peer(socket);
      const script = scripts[Math.min(scripted.peers.push(peer), scripts.length) - 1];
      for (const look of scripted.#waiting.splice(0)) look();
      Promise.resolve(peer)
        .then(script)
        .catch((error: unknown) => {
          if (!stopping) failures.push(error);
        });
    });
    return scripted;
  }

  /** The connection number so-and-so, from 1, once the server has accepted it. */
  async peer(number: number): Promise<Peer> {
    while (this.peers.length < number) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.peers[number - 1] as Peer;
  }

  /** Ends all connections and the server. @throws what a script threw */
  stop(): Promise<void> {
    return this.#stop();
  }
}

async function* linesOf(socket: Socket): AsyncGenerator<string, undefined> {
  let begun = '';
  socket.setEncoding('utf8');
  try {
    for await (const chunk of socket as AsyncIterable<string>) {
      const lines = (begun + chunk).split('\n');
      begun = lines.pop() ?? '';
      yield* lines;
    }
  } catch {
    // However the client left, it is gone.
  }
  return undefined;
}
