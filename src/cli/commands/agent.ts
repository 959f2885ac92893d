import { createServer, type Server } from 'node:http';
import { hostname } from 'node:os';
import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { createAgent } from '../../fleet/agent/agent.js';
import { startEmbeddedNats, type EmbeddedNats } from '../../fleet/agent/embedded.js';
import type { AddressOptions } from '../addresses.js';
import { vmConnectors } from '../hub-arguments.js';
import { aborted, interruptSignal } from '../interrupt.js';
import { connectNats } from '../nats-connection.js';
import { list, wholeNumber } from '../options.js';
import { count, note } from '../terminal.js';
import { UsageError } from '../usage-error.js';

interface Options extends AddressOptions {
  readonly host: string;
  readonly dir?: string;
  readonly allow?: string[];
  readonly embedded?: boolean;
  readonly origin?: string[];
  readonly metrics?: number;
}

/** As sysexits.h has it: something that may be tried again later. Another agent has the host, or NATS has gone for good. */
const TRY_LATER = 75;

export function agentCommand(): Command {
  return new Command('agent')
    .argument('[vm...]', 'NAME=ADDRESS[,guest=ADDRESS], vm1=unix:/run/vm1.qmp say', parseVm)
    .option('-H, --host <name>', 'the first half of the names of its VMs', hostname().split('.')[0])
    .option('-d, --dir <folder>', 'a folder of sockets, watched: each is a VM')
    .option('--allow <command>', 'what may be run besides query-*; A,B for several, or given again', list)
    .option('--nats <url>', 'tls://HOST:PORT, several as above; else RX_QMP_NATS, or this machine', list)
    .option('--creds <file>', 'who it is there; else RX_QMP_NATS_CREDS')
    .option('--tls-ca <file>', 'PEM; whose certificates to trust')
    .option('--embedded', 'start a nats-server for this machine, which ends with the agent')
    .option(
      '--origin <origin>',
      'with --embedded: pages that may connect, http://localhost:5173 say; several as above',
      list,
    )
    .option('--metrics <port>', 'serve /metrics on 127.0.0.1', wholeNumber)
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp agent --embedded vm1=unix:/run/vm1.qmp --allow stop,cont
  $ rx-qmp agent --host h1 --nats tls://n1,tls://n2 --creds agent-h1 --dir /run/vms

Whoever may run commands on a VM often may run code on its host: --allow what is needed, and no more.
The exit code is 75 where another agent has taken the host over while this one was cut off.`,
    )
    .action(agent);
}

type Vms = Readonly<Record<string, string>>;

function parseVm(text: string, before: Vms = {}): Vms {
  const [, name, address] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || address === undefined) throw new InvalidArgumentError('It must be NAME=ADDRESS.');
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`There are two VMs named ${name}.`);
  return { ...before, [name]: address };
}

async function agent(named: Vms | [], options: Options): Promise<void> {
  const { host, dir, allow = [], embedded: wantsServer = false } = options;
  const vms = Array.isArray(named) ? {} : named;
  if (Object.keys(vms).length === 0 && dir === undefined) {
    throw new UsageError('no VMs: name some, or a folder of sockets with --dir');
  }
  if (wantsServer && options.nats) throw new UsageError('--embedded and --nats exclude each other');
  if (!wantsServer && options.origin) throw new UsageError('--origin needs --embedded: other servers have their own');
  const connectors = await vmConnectors(vms, options);
  const embedded = wantsServer ? await startEmbeddedNats(allow, options.origin) : undefined;
  try {
    const where = embedded ? { nats: [embedded.url], creds: embedded.credentials.agent } : options;
    const nats = await connectNats(where, `agent ${host}`);
    try {
      const running = await createAgent({
        ...{ nats, host, vms: connectors, allow, logger: { debug: () => undefined, warn: note } },
        ...(dir !== undefined && { dir }),
      });
      const metrics = options.metrics === undefined ? undefined : await serve(options.metrics, () => running.metrics());
      process.stdout.write(`agent of ${host}: ${count(running.vms.length, 'VM')} at ${nats.getServer()}\n`);
      if (embedded) tell(embedded, host, allow);
      const why = await Promise.race([running.ended, aborted(interruptSignal())]);
      await running.close();
      metrics?.close();
      if (why) process.exitCode = TRY_LATER;
    } finally {
      await nats.close();
    }
  } finally {
    await embedded?.close();
  }
}

function tell({ url, webSocketUrl, credentials }: EmbeddedNats, host: string, allow: readonly string[]): void {
  const rights = allow.length > 0 ? ` --allow ${allow.join(',')}` : '';
  const lines = [
    `nats-server of its own: ${url}${webSocketUrl === undefined ? '' : `, ${webSocketUrl}`}`,
    `to look:       export RX_QMP_NATS=${url} RX_QMP_NATS_CREDS=${credentials.viewer}`,
    `to act:        export RX_QMP_NATS=${url} RX_QMP_NATS_CREDS=${credentials.operator}`,
    `one more host: rx-qmp agent --host ${host}-2 --nats ${url} --creds ${credentials.agent}${rights} NAME=ADDRESS`,
    `in a page:     rx-qmp dashboard --nats ${url} --creds ${credentials.operator}`,
    `then:          rx-qmp vms nats:`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function serve(port: number, text: () => string): Promise<Server> {
  const server = createServer((request, response) => {
    const found = request.method === 'GET' && request.url === '/metrics';
    response.writeHead(found ? 200 : 404, { 'Content-Type': 'text/plain; version=0.0.4' }).end(found ? text() : '');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
