import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Connection, Connector } from '../transport/connection.js';
import type { WebSocketClass } from '../transport/web-socket.js';
import { list } from './options.js';
import { UsageError } from './usage-error.js';

/** What an address needs besides itself. */
export interface AddressOptions {
  readonly tokenFile?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly nats?: string[];
  readonly creds?: string;
}

/** For the help of a command that takes an address. */
export const ADDRESS = 'unix:PATH, tcp:HOST:PORT, ws://HUB/vms/NAME, libvirt:NAME or nats:HOST/VM';

type Open = (text: string, options: AddressOptions) => Promise<Connector>;

/** Each kind of address. What it needs is imported only when one of its kind is given. */
const SCHEMES: Readonly<Record<string, Open>> = {
  unix: openSocket,
  tcp: openSocket,
  ws: openWebSocket,
  wss: openWebSocket,
  http: openWebSocket,
  https: openWebSocket,
  libvirt: openLibvirt,
  nats: async (text, options) => (await import('./nats-address.js')).natsConnector(text, options),
};

/**
 * The connector for an address of the command line.
 *
 * @throws UsageError if it is not an address
 */
export async function connectorFor(text: string, options: AddressOptions = {}): Promise<Connector> {
  const [, scheme = ''] = /^([a-z]+):/.exec(text) ?? [];
  const open = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (!open) {
    const meant = text.includes('/') ? `; did you mean unix:${text}?` : '';
    throw new UsageError(`address must be ${ADDRESS}, not '${text}'${meant}`);
  }
  try {
    return await open(text, options);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

/** Adds the options that an address may need to a command. */
export function addressOptions(command: Command): Command {
  return command
    .optionsGroup('Connecting:')
    .option('--token-file <file>', 'holds the token for a hub; else RX_QMP_TOKEN does')
    .option('--nats <url>', 'for nats:, tls://HOST:PORT; A,B for several; else RX_QMP_NATS, or this machine', list)
    .option('--creds <file>', 'who one is for nats:; else RX_QMP_NATS_CREDS')
    .option('--tls-ca <file>', 'PEM; TLS for tcp:, and whose certificates to trust')
    .option('--tls-cert <file>', 'PEM; the certificate to show')
    .option('--tls-key <file>', 'PEM; its key');
}

async function openSocket(text: string, options: AddressOptions): Promise<Connector> {
  const { parseAddress } = await import('../transport/node/address.js');
  const { tcp, unixSocket } = await import('../transport/node/socket.js');
  const endpoint = parseAddress(text);
  if ('path' in endpoint) return unixSocket(endpoint.path);
  const tls = await tlsFiles(options);
  return tcp(endpoint.host, endpoint.port, tls ? { tls } : {});
}

async function openWebSocket(text: string, options: AddressOptions): Promise<Connector> {
  const { webSocket } = await import('../transport/web-socket.js');
  const token = await hubToken(options);
  const dial = webSocket(text, { ...(token !== undefined && { token }), WebSocket: await webSocketClass(options) });
  const explained = async (signal: AbortSignal): Promise<Connection> => {
    try {
      return await dial(signal);
    } catch (error) {
      throw refusedByHub(error) ?? error;
    }
  };
  return Object.assign(explained, dial);
}

/** What the hub's answers to a request for a WebSocket mean here. */
const REFUSALS: Readonly<Record<string, string>> = {
  401: 'the hub wants a token that it knows: --token-file or RX_QMP_TOKEN gives it',
  404: "the hub has no such VM: 'rx-qmp vms' lists those it has",
  503: 'the hub has the VM, and is not connected to it',
};

function refusedByHub(error: unknown): Error | undefined {
  const [, status = ''] = /Unexpected server response: (\d+)/.exec((error as Error).message) ?? [];
  const meaning = REFUSALS[status];
  return meaning === undefined ? undefined : new Error(meaning, { cause: error });
}

async function openLibvirt(text: string): Promise<Connector> {
  const { libvirt } = await import('../libvirt/libvirt.js');
  return libvirt(text.slice('libvirt:'.length));
}

/** The WebSocket of `ws`, which every supported Node has and which takes certificates. */
export async function webSocketClass(options: AddressOptions): Promise<WebSocketClass> {
  const { WebSocket } = await import('ws');
  const tls = await tlsFiles(options);
  return tls
    ? class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, tls);
        }
      }
    : WebSocket;
}

/** The token for a hub, of the file or the environment. It is never an argument, which every user of the machine can see. */
export async function hubToken({ tokenFile }: AddressOptions): Promise<string | undefined> {
  if (tokenFile === undefined) return process.env['RX_QMP_TOKEN'] === '' ? undefined : process.env['RX_QMP_TOKEN'];
  const words = (await readFile(tokenFile, 'utf8')).trim();
  if (!/^\S+$/.test(words)) throw new UsageError(`${tokenFile} must hold one token and nothing else`);
  return words;
}

export async function tlsFiles({ tlsCa, tlsCert, tlsKey }: AddressOptions): Promise<TlsFiles | undefined> {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new UsageError('--tls-cert and --tls-key go together');
  if (tlsCa === undefined && tlsCert === undefined) return undefined;
  return {
    ...(tlsCa !== undefined && { ca: await readFile(tlsCa) }),
    ...(tlsCert !== undefined &&
      tlsKey !== undefined && { cert: await readFile(tlsCert), key: await readFile(tlsKey) }),
  };
}

interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}
