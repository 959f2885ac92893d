import type { Permissions } from './permissions.js';
import { PARTS } from '../wire.js';

/** A user, and how it shows that it is the one. */
export interface NatsUser {
  readonly name: string;
  readonly secret: { readonly nkey: string } | { readonly password: string } | { readonly variable: string };
  readonly permissions: Permissions;
}

export interface NatsConfig {
  readonly users: readonly NatsUser[];
  /** Where clients connect: `127.0.0.1:4222`. */
  readonly listen: string;
  readonly storeDir: string;
  /** PEM files; a must beyond loopback. `ca` for a cluster: its servers let in who has a certificate of that one, and nobody else. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  readonly webSocket?: { readonly listen: string; readonly origins: readonly string[] };
  /** This server's name and all names of the cluster, which are reached at port 6222. */
  readonly cluster?: { readonly name: string; readonly servers: readonly string[] };
}

/** A nats-server.conf with the users of a fleet, their rights, and the bounds of what each may hold on to. */
export function natsConfig({ users, listen, storeDir, tls, webSocket, cluster }: NatsConfig): string {
  const certificate = tls && [`cert_file: ${quoted(tls.cert)}`, `key_file: ${quoted(tls.key)}`];
  const tlsBlock = certificate && block('tls', certificate);
  const routes =
    certificate && block('tls', [...certificate, ...(tls.ca === undefined ? [] : [`ca_file: ${quoted(tls.ca)}`])]);
  return `${[
    '# Made by rx-qmp nats-config, for a nats-server of 2.9.10 or later: nats-server -c FILE',
    ...(cluster ? [`server_name: ${quoted(cluster.name)}`] : []),
    `listen: ${quoted(listen)}`,
    ...(tlsBlock === undefined ? [] : [tlsBlock]),
    block('jetstream', [`store_dir: ${quoted(storeDir)}`]),
    ...(webSocket ? [webSocketBlock(webSocket, tlsBlock)] : []),
    ...(cluster ? [clusterBlock(cluster, routes)] : []),
    '# A reader that does not read is cut off, and sees a gap.',
    'max_pending: 8MB',
    'write_deadline: "5s"',
    'max_control_line: 4KB',
    'max_subscriptions: 20000',
    `authorization {\n  users: [\n${users.map(userBlock).join(',\n')}\n  ]\n}`,
  ].join('\n')}\n`;
}

function webSocketBlock({ listen, origins }: NonNullable<NatsConfig['webSocket']>, tls: string | undefined): string {
  return block('websocket', [
    `listen: ${quoted(listen)}`,
    tls === undefined ? 'no_tls: true' : indented(tls),
    origins.length > 0 ? `allowed_origins: ${listed(origins)}` : 'same_origin: true',
  ]);
}

function clusterBlock({ servers }: NonNullable<NatsConfig['cluster']>, tls: string | undefined): string {
  return block('cluster', [
    'name: "rx-qmp"',
    'listen: "0.0.0.0:6222"',
    ...(tls === undefined ? [] : [indented(tls)]),
    `routes: ${listed(servers.map((server) => `nats://${server}:6222`))}`,
  ]);
}

function userBlock({ name, secret, permissions }: NatsUser): string {
  const password = 'password' in secret ? quoted(secret.password) : 'variable' in secret ? `$${secret.variable}` : '';
  const who = 'nkey' in secret ? `nkey: ${secret.nkey}` : `user: ${quoted(name)}, password: ${password}`;
  const responses = permissions.responds ? `,\n      allow_responses: { max: ${PARTS}, expires: "24h" }` : '';
  return `    # ${name}
    { ${who}, permissions: {
      publish: { allow: ${listed(permissions.publish)} },
      subscribe: { allow: ${listed(permissions.subscribe)} }${responses}
    } }`;
}

function block(name: string, lines: readonly string[]): string {
  return `${name} {\n${lines.map((line) => `  ${line}`).join('\n')}\n}`;
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n  ');
}

function listed(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(', ')}]`;
}

/** @throws TypeError for what the server would read otherwise */
function quoted(text: string): string {
  // Whatever else its strings may hold, these they hold as they are.

  if (/["\\\u0000-\u001f]/.test(text)) {
    throw new TypeError(
      `a nats-server.conf cannot hold ${JSON.stringify(text)}: no quotes, backslashes, control characters`,
    );
  }
  return `"${text}"`;
}
