import { readFile } from 'node:fs/promises';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
} from '@nats-io/nats-core';
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { inboxPrefix } from '../fleet/agent/permissions.js';
import { UsageError } from './usage-error.js';

/** Where NATS is, and who one is there. */
export interface NatsOptions {
  readonly nats?: string[];
  readonly creds?: string;
  readonly tlsCa?: string;
}

/** Who connects, for the list of connections of the server; and from which inbox it is answered. */
interface Credentials {
  readonly authenticator?: Authenticator;
  readonly user?: string;
}

/** Connects to the NATS of the options, or of the environment. @throws UsageError for what is not safe, or not given */
export async function connectNats(options: NatsOptions, name: string): Promise<NatsConnection> {
  const settings = await natsSettings(options, name);
  return connect(settings).catch((cause: unknown) => {
    const told = urlsOf(options)
      .map((url) => url.replace(/\/\/.*@/, '//'))
      .join();
    throw new Error(`NATS at ${told}: ${(cause as Error).message || 'not reached'}`, { cause });
  });
}

/** How to connect; reads the credentials. @throws UsageError for what is not safe, or not given */
export async function natsSettings(options: NatsOptions, name: string): Promise<ConnectionOptions> {
  const servers = urlsOf(options).map(serverOf);
  const { authenticator, user } = await credentials(options.creds ?? process.env['RX_QMP_NATS_CREDS']);
  const secured = servers.some(({ tls }) => tls);
  return {
    servers: servers.map(({ url }) => url),
    ...{ name: `rx-qmp ${name}`, maxReconnectAttempts: -1, timeout: 10_000 },
    ...(authenticator && { authenticator }),
    ...(user !== undefined && { inboxPrefix: inboxPrefix(user) }),
    ...(secured && { tls: options.tlsCa === undefined ? {} : { caFile: options.tlsCa } }),
  };
}

function urlsOf({ nats }: NatsOptions): readonly string[] {
  return nats ?? process.env['RX_QMP_NATS']?.split(',') ?? ['nats://127.0.0.1:4222'];
}

/** @throws UsageError if it holds a secret, or would send one in the clear */
function serverOf(text: string): { url: string; tls: boolean } {
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `nats://${text}`);
  } catch {
    throw new UsageError(`--nats must be nats://HOST:PORT or tls://HOST:PORT, not '${text}'`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(
      '--nats must hold no user and no password, which every user of the machine would see; use --creds',
    );
  }
  if (!['nats:', 'tls:'].includes(url.protocol)) {
    throw new UsageError(`--nats must be nats://HOST:PORT or tls://HOST:PORT, not '${text}'`);
  }
  const tls = url.protocol === 'tls:';
  const loopback = ['localhost', '[::1]'].includes(url.hostname) || url.hostname.startsWith('127.');
  if (!tls && !loopback) throw new UsageError(`--nats beyond loopback must be tls://, not '${text}'`);
  return { url: url.host, tls };
}

/**
 * Of a file: NAME and a password, or NAME and the seed of an NKey, as `rx-qmp nats-config --out` writes them; a seed alone; or
 * the `.creds` that NATS's own tools write.
 */
async function credentials(file: string | undefined): Promise<Credentials> {
  if (file === undefined) return {};
  const text = await readFile(file, 'utf8');
  if (text.includes('BEGIN NATS USER JWT')) return { authenticator: credsAuthenticator(Buffer.from(text)) };
  const words = text.trim().split(/\s+/);
  const [first = '', second] = words;
  if (words.length > 2 || first === '') {
    throw new UsageError(
      `${file} must hold a user and a password, a user and the seed of an NKey, or be a .creds file`,
    );
  }
  const secret = second ?? first;
  const user = second === undefined ? {} : { user: first };
  if (/^SU[A-Z2-7]{56}$/.test(secret)) return { authenticator: nkeyAuthenticator(Buffer.from(secret)), ...user };
  if (second === undefined) throw new UsageError(`${file} must hold a user before the password`);
  return { authenticator: usernamePasswordAuthenticator(first, second), ...user };
}
