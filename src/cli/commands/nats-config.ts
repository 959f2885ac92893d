import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { nkeys } from '@nats-io/nats-core';
import { Command } from 'commander';
import { natsConfig, type NatsConfig, type NatsUser } from '../../fleet/agent/nats-config.js';
import { agent, operator, viewer, type Permissions } from '../../fleet/agent/permissions.js';
import { list } from '../options.js';
import { note } from '../terminal.js';
import { UsageError } from '../usage-error.js';

interface Options {
  readonly hosts: string[];
  readonly viewer?: string[];
  readonly operator?: string[];
  readonly allow?: string[];
  readonly out?: string;
  readonly listen: string;
  readonly store: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly websocket?: string;
  readonly origin?: string[];
  readonly cluster?: string[];
}

export function natsConfigCommand(): Command {
  return new Command('nats-config')
    .requiredOption('--hosts <name>', 'each gets a user agent-NAME; A,B for several, or given again', list)
    .option('--viewer <name>', 'who may look; NAME=HOST/VM for one VM only; several as above', list)
    .option('--operator <name>', 'who may also run what is allowed; the same', list)
    .option('--allow <command>', 'what operators may run besides query-*; several as above', list)
    .option('--out <folder>', 'write the files there: a key for each user, 0600, and the configuration without secrets')
    .option('--listen <host:port>', 'where the server listens', '127.0.0.1:4222')
    .option('--store <folder>', 'where the server keeps its data', '/var/lib/nats')
    .option('--tls-cert <file>', 'PEM; a must beyond loopback')
    .option('--tls-key <file>', 'PEM')
    .option('--tls-ca <file>', 'PEM; for --cluster: who has a certificate of it is let into the cluster')
    .option('--websocket <host:port>', 'where pages connect')
    .option('--origin <origin>', 'pages that may; several as above', list)
    .option('--cluster <server>', 'the names of three servers, which then get a file each', list)
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp nats-config --hosts h1,h2 --viewer ann --operator bob --allow stop,cont --out nats
  $ nats-server -c nats/nats-server.conf
  $ rx-qmp agent --host h1 --creds nats/agent-h1 --dir /run/vms

Without --out it prints the configuration, in which each password is a variable of the server's environment.
With --out again, users keep their keys, and new ones get one.`,
    )
    .action(printConfig);
}

async function printConfig(options: Options): Promise<void> {
  const { listen, store, tlsCert, tlsKey, tlsCa, websocket, origin = [], cluster, out } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new UsageError('--tls-cert and --tls-key go together');
  const loopback = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/;
  if (tlsCert === undefined && ![listen, ...(websocket ? [websocket] : [])].every((where) => loopback.test(where))) {
    throw new UsageError('beyond loopback the server needs --tls-cert and --tls-key');
  }
  if (cluster && (cluster.length < 3 || tlsCert === undefined || tlsCa === undefined)) {
    throw new UsageError('--cluster needs three servers or more, and --tls-cert, --tls-key and --tls-ca');
  }
  const users = await Promise.all([...rights(options)].map((user) => withSecret(user, out)));
  const config = {
    ...{ users, listen, storeDir: store },
    ...(tlsCert !== undefined && tlsKey !== undefined && { tls: filesOf(tlsCert, tlsKey, tlsCa) }),
    ...(websocket !== undefined && { webSocket: { listen: websocket, origins: origin } }),
  };
  const files = cluster
    ? cluster.map((name) => [`${name}.conf`, natsConfig({ ...config, cluster: { name, servers: cluster } })] as const)
    : [['nats-server.conf', natsConfig(config)] as const];
  for (const [file, text] of files) {
    if (out === undefined) process.stdout.write(cluster ? `# ${file}\n${text}` : text);
    else await writeFile(join(out, file), text);
  }
  if (out !== undefined) {
    note(`${out}: ${[...files.map(([file]) => file), ...users.map(({ name }) => name)].join(', ')}`);
  }
}

function filesOf(cert: string, key: string, ca: string | undefined): NonNullable<NatsConfig['tls']> {
  return { cert: resolve(cert), key: resolve(key), ...(ca !== undefined && { ca: resolve(ca) }) };
}

interface User {
  readonly name: string;
  readonly permissions: Permissions;
}

/** @throws UsageError if two users have one name, or one that is not the name of a file */
function* rights({ hosts, viewer: viewers = [], operator: operators = [], allow = [] }: Options): Generator<User> {
  const names = new Set<string>();
  const checked = (name: string): string => {
    if (!/^[\w-]{1,64}$/.test(name)) throw new UsageError(`a user has 1 to 64 letters, digits, _ and -, not '${name}'`);
    if (names.has(name)) throw new UsageError(`there are two users named ${name}`);
    names.add(name);
    return name;
  };
  for (const host of hosts) {
    const name = checked(`agent-${host}`);
    yield { name, permissions: agent(name, host) };
  }
  for (const text of viewers) {
    const [name = '', vm] = text.split(/=(.*)/s);
    yield { name: checked(name), permissions: viewer(name, vm) };
  }
  for (const text of operators) {
    const [name = '', vm] = text.split(/=(.*)/s);
    yield { name: checked(name), permissions: operator(name, allow, vm) };
  }
}

async function withSecret(user: User, out: string | undefined): Promise<NatsUser> {
  if (out === undefined) return { ...user, secret: { variable: variableOf(user.name) } };
  await mkdir(out, { recursive: true, mode: 0o700 });
  const file = join(out, user.name);
  const known = await readFile(file, 'utf8').catch(() => undefined);
  const seed = known?.trim().split(' ')[1];
  const key = seed === undefined ? nkeys.createUser() : nkeys.fromSeed(Buffer.from(seed));
  if (seed === undefined) {
    const text = `${user.name} ${Buffer.from(key.getSeed()).toString()}\n`;
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
  }
  return { ...user, secret: { nkey: key.getPublicKey() } };
}

function variableOf(name: string): string {
  return `NATS_PASSWORD_${name.replaceAll('-', '_').toUpperCase()}`;
}
