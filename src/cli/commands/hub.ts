import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { createHub } from '../../hub/server/hub.js';
import { readTokenFile } from '../../hub/server/tokens.js';
import { aborted, interruptSignal } from '../interrupt.js';
import { list } from '../options.js';
import { note } from '../terminal.js';
import { UsageError } from '../usage-error.js';

interface Options {
  readonly listen: { readonly host: string; readonly port: number };
  readonly dir?: string;
  readonly tokenFile?: string;
  readonly token: boolean;
  readonly hostName?: string[];
  readonly origin?: string[];
  readonly allow?: string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly behindProxy?: boolean;
}

export function hubCommand(): Command {
  return new Command('hub')
    .argument('[vm...]', 'NAME=ADDRESS, vm1=unix:/run/vm1.qmp say', parseVm)
    .option('-l, --listen <host:port>', 'where to listen', parseListen, { host: '127.0.0.1', port: 8765 })
    .option('-d, --dir <folder>', 'a folder of sockets, watched: each is a VM')
    .option('--token-file <file>', 'lines of "viewer TOKEN" or "operator TOKEN"')
    .option('--no-token', 'let everybody in who reaches the port')
    .option('--allow <command>', 'what operators may run besides query-*; A,B for several, or given again', list)
    .option('--host-name <name>', 'a further name under which the hub is reached; several as above', list)
    .option('--origin <origin>', 'pages of another origin that may use it; several as above', list)
    .option('--tls-cert <file>', 'PEM; beyond loopback it or --behind-proxy is a must')
    .option('--tls-key <file>', 'PEM')
    .option('--behind-proxy', 'a proxy in front encrypts')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp hub vm1=unix:/run/vm1.qmp vm2=unix:/run/vm2.qmp --allow stop,cont
  $ rx-qmp hub --dir /run/vms --token-file /etc/rx-qmp/tokens

Whoever may run commands on a VM often may run code on its host: --allow what is needed, and no more.`,
    )
    .action(hub);
}

type Vms = Readonly<Record<string, string>>;

function parseVm(text: string, before: Vms = {}): Vms {
  const [, name, address] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || address === undefined) throw new InvalidArgumentError('It must be NAME=ADDRESS.');
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`There are two VMs named ${name}.`);
  return { ...before, [name]: address };
}

function parseListen(text: string): Options['listen'] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65535) throw new InvalidArgumentError('It must be HOST:PORT.');
  return { host, port: Number(port) };
}

async function hub(vms: Vms | [], options: Options): Promise<void> {
  const { listen, dir, tokenFile, allow = [], hostName = [], origin = [], tlsCert, tlsKey, behindProxy } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new UsageError('--tls-cert and --tls-key go together');
  if (Array.isArray(vms) && dir === undefined) {
    throw new UsageError('no VMs: name some, or a folder of sockets with --dir');
  }
  const running = await createHub({
    ...listen,
    vms: Array.isArray(vms) ? {} : vms,
    allow,
    hostNames: hostName,
    origins: origin,
    noToken: !options.token,
    logger: { debug: note, warn: note },
    ...(dir !== undefined && { dir }),
    ...(tokenFile !== undefined && { tokens: await readTokenFile(tokenFile) }),
    ...(tlsCert !== undefined &&
      tlsKey !== undefined && { tls: { cert: await readFile(tlsCert), key: await readFile(tlsKey) } }),
    ...(behindProxy && { behindProxy }),
  });
  process.stdout.write(`listening at ${running.url}\n`);
  if (running.token !== undefined) process.stdout.write(`operator's token, for this run: ${running.token}\n`);
  await aborted(interruptSignal());
  await running.close();
}
