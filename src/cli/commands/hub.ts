import { readdir, readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { Command, Option } from 'commander';
import { createHub, type Hub } from '../../hub/server/hub.js';
import type { HubOptions } from '../../hub/server/options.js';
import { readTokenFile } from '../../hub/server/tokens.js';
import type { Logger } from '../../foundation/logger.js';
import { DASHBOARD } from '../dashboard-folder.js';
import { checkFleet, fleetOptions, openFleet, type FleetOptions } from '../fleet-options.js';
import { parseListen, parseVms, vmConnectors, type Listen, type NamedAddresses } from '../hub-arguments.js';
import { aborted, interruptSignal } from '../interrupt.js';
import { LOG_FORMATS, LOG_LEVELS, logTo } from '../log.js';
import { list } from '../options.js';
import { systemdService } from '../systemd.js';
import { UsageError } from '../usage-error.js';

interface Options extends FleetOptions {
  readonly listen: Listen;
  readonly dir?: string;
  readonly tokenFile?: string;
  readonly token: boolean;
  readonly hostName?: string[];
  readonly origin?: string[];
  readonly allow?: string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly behindProxy?: boolean;
  readonly auditLog?: string;
  readonly check?: boolean;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
  readonly dashboard?: boolean;
}

export function hubCommand(): Command {
  const command = new Command('hub')
    .argument('[vm...]', 'NAME=ADDRESS[,guest=ADDRESS], vm1=unix:/run/vm1.qmp say; the name may be left out', parseVms)
    .option('-l, --listen <host:port>', 'where to listen', parseListen, { host: '127.0.0.1', port: 8765 })
    .option('-d, --dir <folder>', 'a folder of sockets, watched: each is a VM; NAME.qga its guest agent')
    .option(
      '--token-file <file>',
      'who may come in: a "viewer TOKEN" or "operator TOKEN" in each line; read again on SIGHUP',
    )
    .option('--no-token', 'let everybody in who reaches the port')
    .option('--allow <command>', 'what operators may run besides query-*; A,B for several, or given again', list)
    .option('--host-name <name>', 'a further name under which the hub is reached; several as above', list)
    .option('--origin <origin>', 'pages of another origin that may use it; several as above', list)
    .option('--tls-cert <file>', 'PEM; beyond loopback it or --behind-proxy is a must')
    .option('--tls-key <file>', 'PEM')
    .option('--behind-proxy', 'a proxy in front encrypts')
    .option('--audit-log <file>', 'add a line of JSON for each command that is no query; opened again on SIGHUP')
    .option('--check', 'check options and files, and end')
    .addOption(new Option('--log-level <level>', 'how much to log').choices(LOG_LEVELS).default('info'))
    .addOption(new Option('--log-format <format>', 'how to log').choices(LOG_FORMATS).default('text'))
    .option('--dashboard', 'serve the dashboard at /')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp hub vm1=unix:/run/vm1.qmp vm2=unix:/run/vm2.qmp --allow stop,cont
  $ rx-qmp hub --dir /run/vms --token-file /etc/rx-qmp/tokens
  $ rx-qmp hub --nats tls://nats.example --creds /etc/rx-qmp/nats --hosts h1,h2 --token-file /etc/rx-qmp/tokens

Whoever may run commands on a VM often may run code on its host: --allow what is needed, and no more.`,
    )
    .action(hub);
  return fleetOptions(command.optionsGroup('A fleet:'));
}

async function hub(vms: NamedAddresses | [], options: Options): Promise<void> {
  const logger = logTo(options.logLevel, options.logFormat);
  const settings: HubOptions = { ...(await settingsOf(vms, options)), logger };
  if (options.check) {
    await checkHub(settings);
    await checkFleet(options);
    process.stdout.write('the options and files are valid\n');
    return;
  }
  const fleet = await openFleet(options, 'hub', logger);
  try {
    await runHub({ ...settings, ...(fleet && { source: fleet.source }) }, options, logger);
  } finally {
    await fleet?.close();
  }
}

/** Until it is interrupted. */
async function runHub(settings: HubOptions, options: Options, logger: Required<Logger>): Promise<void> {
  const running = await createHub(settings);
  const service = systemdService(logger);
  process.stdout.write(`listening at ${running.url}\n`);
  if (running.token !== undefined) process.stdout.write(`operator's token, for this run: ${running.token}\n`);
  const reload = (): void => {
    running.reopenAuditLog().catch((error: unknown) => {
      logger.warn(`the audit goes on in the file that was open: ${(error as Error).message}`);
    });
    readAgain(running, options).then(
      () => {
        logger.info('the files of tokens and TLS were read again');
      },
      (error: unknown) => {
        logger.warn(`nothing has changed: ${(error as Error).message}`);
      },
    );
  };
  process.on('SIGHUP', reload);
  await service.ready();
  await aborted(interruptSignal(['SIGINT', 'SIGTERM']));
  process.off('SIGHUP', reload);
  await service.stopping();
  await running.close();
}

async function settingsOf(vms: NamedAddresses | [], options: Options): Promise<HubOptions> {
  const { listen, dir, allow = [], hostName = [], origin = [], behindProxy, auditLog } = options;
  if (Array.isArray(vms) && dir === undefined && !options.nats) {
    throw new UsageError('no VMs: name some, a folder of sockets with --dir, or a fleet with --nats');
  }
  return {
    ...listen,
    vms: Array.isArray(vms) ? {} : await vmConnectors(vms),
    allow,
    hostNames: hostName,
    origins: origin,
    noToken: !options.token,
    ...(dir !== undefined && { dir }),
    ...(auditLog !== undefined && { auditLog }),
    ...(behindProxy && { behindProxy }),
    ...(options.dashboard && { dashboard: DASHBOARD }),
    ...(await filesOf(options)),
  };
}

/** What stands in files: it may change while the hub runs. */
async function filesOf({ tokenFile, tlsCert, tlsKey }: Options): Promise<Pick<HubOptions, 'tokens' | 'tls'>> {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new UsageError('--tls-cert and --tls-key go together');
  return {
    ...(tokenFile !== undefined && { tokens: await readTokenFile(tokenFile) }),
    ...(tlsCert !== undefined &&
      tlsKey !== undefined && { tls: { cert: await readFile(tlsCert), key: await readFile(tlsKey) } }),
  };
}

async function readAgain(running: Hub, options: Options): Promise<void> {
  const { tokens, tls } = await filesOf(options);
  // What may fail comes first: all of it changes, or nothing.
  if (tls) createSecureContext(tls);
  if (tokens) running.setTokens(tokens);
  if (tls) running.setTls(tls);
}

/** Starts it on a port that nobody knows, without VMs, and ends it. */
async function checkHub(settings: HubOptions): Promise<void> {
  const { dir } = settings;
  if (dir !== undefined) await readdir(dir);
  const { auditLog: _, ...rest } = settings;
  const trial = await createHub({ ...rest, vms: {}, port: 0 });
  await trial.close();
}
