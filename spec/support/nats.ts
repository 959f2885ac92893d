import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { exit } from './qemu.js';
import { temporaryFolder } from './temporary-folder.js';

const PROGRAM = 'nats-server';

export interface NatsServer {
  readonly port: number;
  readonly url: string;
  /** Its data and configuration. */
  readonly folder: string;
  readonly process: ChildProcess;
  /** A connection that never gives up; closed by {@link stop}. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>;
  /** SIGKILL; resolves when it is gone. Its data stays. */
  kill(): Promise<void>;
  /** Again, on the same port, with the same data. */
  restart(): Promise<void>;
  /** Closes the connections, ends it and removes its folder. */
  stop(): Promise<void>;
}

/** @param configuration is added to its own: `max_payload: 64KB`, say; a function is told the port and the folder */
export async function startNats(
  configuration: string | ((port: number, folder: string) => string) = '',
): Promise<NatsServer> {
  const folder = temporaryFolder();
  const port = await freePort();
  const file = join(folder.path, 'nats.conf');
  const own = `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder.path}/js" }\n`;
  writeFileSync(file, typeof configuration === 'string' ? own + configuration : configuration(port, folder.path));
  const connections = new Set<NatsConnection>();
  let child = await run(file, port);
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill(signal);
    child.kill('SIGCONT');
    await gone;
  };
  const url = `127.0.0.1:${port}`;
  return {
    port,
    url,
    folder: folder.path,
    get process() {
      return child;
    },
    connect: async (options = {}) => {
      const nats = await connect({
        ...{ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50, reconnectJitter: 0 },
        ...options,
      });
      connections.add(nats);
      return nats;
    },
    kill: () => kill('SIGKILL'),
    restart: async () => {
      await kill('SIGKILL');
      child = await run(file, port);
    },
    stop: async () => {
      await Promise.all([...connections].map((nats) => nats.close()));
      await kill('SIGKILL');
      folder.remove();
    },
  };
}

/** Resolves when the server takes connections. */
export async function run(file: string, port: number): Promise<ChildProcess> {
  const child = spawn(PROGRAM, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8');
  const ended = exit(child);
  const ready = new Promise<void>((resolve) => {
    child.stderr.on('data', (text: string) => {
      said = (said + text).slice(-20_000);
      if (said.includes('Server is ready')) resolve();
    });
  });
  await Promise.race([
    ready,
    ended.then((how) => {
      throw new Error(`${PROGRAM} on port ${port} ended before it was ready (${how}): ${said}`);
    }),
  ]);
  return child;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const hasNats = spawnSync(PROGRAM, ['--version']).status === 0;

/**
 * `describe` for what needs a real nats-server. Where none is installed it is skipped, and says so; with
 * `RX_QMP_REQUIRE_NATS=1` it fails instead.
 */
export function describeNats(name: string, fn: () => void): void {
  if (hasNats) {
    describe(name, fn);
  } else if (process.env['RX_QMP_REQUIRE_NATS'] === '1') {
    describe(name, () => {
      it(`runs on a real server (${PROGRAM} is not installed)`, () => {
        throw new Error(`${PROGRAM} is not installed, and RX_QMP_REQUIRE_NATS=1 asks for it`);
      });
    });
  } else {
    process.stderr.write(`SKIPPED, no ${PROGRAM} on this machine: ${name}\n`);
    describe.skip(name, fn);
  }
}
