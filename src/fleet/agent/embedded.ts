import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bindToProgram } from '../../machine/program-end.js';
import { StateError } from '../../protocol/errors.js';
import { natsConfig, type NatsUser } from './nats-config.js';
import { agent, operator, viewer } from './permissions.js';

/** A nats-server of this program's own, for one machine: it ends with the program, and what it stored is removed. */
export interface EmbeddedNats {
  /** `nats://127.0.0.1:4222`. */
  readonly url: string;
  /** For pages of the origins that were given: `ws://127.0.0.1:9222`. */
  readonly webSocketUrl: string | undefined;
  /** Files with a name and a password, for each user: `agent`, `viewer`, `operator`. */
  readonly credentials: Readonly<Record<'agent' | 'viewer' | 'operator', string>>;
  /** Resolves when the server is gone, whoever ended it. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/**
 * @param allow what the operator may run
 * @param origins of pages that may connect to its WebSocket; without any it has none
 * @throws StateError if there is no nats-server, or it does not start
 */
export async function startEmbeddedNats(
  allow: readonly string[],
  origins: readonly string[] = [],
): Promise<EmbeddedNats> {
  const folder = await mkdtemp(join(tmpdir(), 'rx-qmp-nats-'));
  try {
    const port = await portFrom(4222);
    const webSocket = origins.length > 0 ? { listen: `127.0.0.1:${await portFrom(9222)}`, origins } : undefined;
    const rights = { agent: agent('agent'), viewer: viewer('viewer'), operator: operator('operator', allow) };
    const users: NatsUser[] = [];
    const credentials = { agent: '', viewer: '', operator: '' };
    for (const name of ['agent', 'viewer', 'operator'] as const) {
      const password = randomBytes(24).toString('base64url');
      credentials[name] = join(folder, name);
      await writeFile(credentials[name], `${name} ${password}\n`, { mode: 0o600 });
      users.push({ name, secret: { password }, permissions: rights[name] });
    }
    const config = join(folder, 'nats-server.conf');
    const text = natsConfig({
      ...{ users, listen: `127.0.0.1:${port}`, storeDir: join(folder, 'store') },
      ...(webSocket && { webSocket }),
    });
    await writeFile(config, text, { mode: 0o600 });
    const child = await started(config);
    const ended = child.exitCode === null ? once(child, 'exit').then(() => undefined) : Promise.resolve();
    return {
      ...{ url: `nats://127.0.0.1:${port}`, credentials, ended },
      webSocketUrl: webSocket && `ws://${webSocket.listen}`,
      close: async () => {
        child.kill('SIGTERM');
        await ended;
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function started(config: string): Promise<ChildProcess> {
  const words = [...(await bindToProgram()), 'nats-server'];
  const [program = '', ...args] = [...words, '-c', config] as string[];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  return new Promise((resolve, reject) => {
    let said = '';
    const failed = (how: string): void => {
      const advice = 'Debian and Ubuntu: apt-get install nats-server; else https://nats.io/download';
      reject(new StateError(`nats-server does not run (${how}): ${said.trim().split('\n').at(-1) ?? ''}; ${advice}`));
    };
    child.once('error', ({ message }) => {
      failed(message);
    });
    child.once('exit', (code, signal) => {
      failed(signal ?? `exit code ${code}`);
    });
    // Read on, or it would stop once the pipe is full.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
      if (said.includes('Server is ready')) resolve(child);
    });
  });
}

/** This one, if it is free. */
async function portFrom(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const server = createServer();
    const listening = once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.listen(port, '127.0.0.1');
    if (!(await listening)) continue;
    const { port: found } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return found;
  }
  throw new StateError('no port is free on 127.0.0.1');
}
