import { Command } from 'commander';
import type { Logger } from '../../foundation/logger.js';
import type { VmSource } from '../../gateway/vm-source.js';
import { createHub } from '../../hub/server/hub.js';
import { newToken } from '../../hub/server/tokens.js';
import { hubToken } from '../addresses.js';
import { BrowserPage } from '../browser-page.js';
import { DASHBOARD } from '../dashboard-folder.js';
import { fleetOptions, openFleet, type FleetOptions } from '../fleet-options.js';
import { parseListen, parseVms, vmConnectors, type Listen, type NamedAddresses } from '../hub-arguments.js';
import { aborted, interruptSignal } from '../interrupt.js';
import { list } from '../options.js';
import { note } from '../terminal.js';
import { UsageError } from '../usage-error.js';

/** What the buttons of the page need. */
const BUTTONS = [
  ...['stop', 'cont', 'system_reset', 'system_powerdown', 'quit'],
  ...['job-cancel', 'job-complete', 'job-dismiss'],
];

interface Options extends FleetOptions {
  readonly dir?: string;
  readonly hub?: string;
  readonly tokenFile?: string;
  readonly listen: Listen;
  readonly allow?: readonly string[];
  readonly readOnly?: boolean;
  readonly open: boolean;
}

export function dashboardCommand(): Command {
  const command = new Command('dashboard')
    .argument(
      '[vm...]',
      'ADDRESS or NAME=ADDRESS, unix:/run/vm1.qmp say; ,guest=ADDRESS behind it is its guest agent',
      parseVms,
    )
    .option('-d, --dir <folder>', 'a folder of sockets, watched: each is a VM')
    .option('--hub <url>', 'open the page of a hub that runs already, and start none')
    .option('--token-file <file>', 'holds the token for --hub (@default the variable RX_QMP_TOKEN)')
    .option('-l, --listen <host:port>', 'where to listen (@default 127.0.0.1, any free port)', parseListen, {
      host: '127.0.0.1',
      port: 0,
    })
    .option('--allow <command>', 'a further command that the page may run; A,B for several, or given again', list)
    .option('--read-only', 'the page may look and change nothing')
    .option('--no-open', 'print the address, and open no browser')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp dashboard unix:/tmp/vm1.qmp
  $ rx-qmp dashboard --dir /run/vms --read-only
  $ rx-qmp dashboard --nats tls://nats.example --creds ~/.rx-qmp-nats
  $ rx-qmp dashboard --hub https://hub.example --token-file ~/.rx-qmp-token

The token stands behind the # of the address, which a browser sends to nobody; the page takes it out of there at once.`,
    )
    .action(dashboard);
  return fleetOptions(command.optionsGroup('A fleet:'));
}

async function dashboard(vms: NamedAddresses | [], options: Options): Promise<void> {
  if (options.hub !== undefined) {
    if (!Array.isArray(vms) || options.dir !== undefined || options.nats) {
      throw new UsageError('--hub shows the VMs of that hub: name no others');
    }
    await show(pageUrl(options.hub, await hubToken(options)), options.open);
    return;
  }
  if (Array.isArray(vms) && options.dir === undefined && !options.nats) {
    throw new UsageError('no VMs: name some, a folder of sockets with --dir, a fleet with --nats, or a hub with --hub');
  }
  const logger = { debug: () => undefined, warn: note };
  const fleet = await openFleet(options, 'dashboard', logger);
  try {
    await dashboardOf(vms, fleet?.source, options, logger);
  } finally {
    await fleet?.close();
  }
}

async function dashboardOf(
  vms: NamedAddresses | [],
  source: VmSource | undefined,
  options: Options,
  logger: Logger,
): Promise<void> {
  const token = newToken();
  const hub = await createHub({
    ...options.listen,
    ...(source && { source }),
    vms: Array.isArray(vms) ? {} : await vmConnectors(vms),
    ...(options.dir !== undefined && { dir: options.dir }),
    tokens: [
      options.readOnly
        ? { role: 'viewer', token, name: 'dashboard', screen: true }
        : { role: 'operator', token, name: 'dashboard', screen: true, allow: [...BUTTONS, ...(options.allow ?? [])] },
    ],
    dashboard: DASHBOARD,
    logger,
  });
  try {
    await show(pageUrl(hub.url, token), options.open);
  } finally {
    await hub.close();
  }
}

function pageUrl(hub: string, token: string | undefined): string {
  const url = new URL('/', hub.replace(/^ws/, 'http'));
  if (token !== undefined) url.hash = new URLSearchParams({ token }).toString();
  return url.href;
}

/** Until Ctrl-C. */
async function show(url: string, open: boolean): Promise<void> {
  const signal = interruptSignal();
  process.stdout.write(`dashboard: ${url}\n`);
  const page = open ? await BrowserPage.open(url) : undefined;
  // With --hub nothing else keeps the process running, and the file that the browser opens must stay until it has read it.
  const stay = setInterval(() => undefined, 2 ** 31 - 1);
  try {
    await aborted(signal);
  } finally {
    clearInterval(stay);
    await page?.remove();
  }
}
