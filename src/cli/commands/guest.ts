import { buffer } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import { QmpClient } from '../../client/qmp-client.js';
import { guestAddresses } from '../../guest/guest-addresses.js';
import { guestExec } from '../../guest/guest-exec.js';
import { guestReadFile, guestWriteFile } from '../../guest/guest-files.js';
import { guestInfo } from '../../guest/guest-info.js';
import type { GuestCommandMap } from '../../protocol/qga/command-map.js';
import { addressOptions, type AddressOptions } from '../addresses.js';
import { agentConnectorFor } from '../agent-address.js';
import { seconds } from '../options.js';
import { resultText } from '../result-text.js';
import { note } from '../terminal.js';
import { UsageError } from '../usage-error.js';
import { withConnected } from '../with-client.js';

interface GuestOptions extends AddressOptions {
  readonly timeout: number;
  readonly stdin?: boolean;
}

type Agent = QmpClient<GuestCommandMap>;
type Run = (agent: Agent, words: readonly string[], options: GuestOptions, signal: AbortSignal) => Promise<void>;

/** What may follow the address, and how many words may follow that. */
const ACTIONS: Readonly<Record<string, { readonly run: Run; readonly least: number; readonly most: number }>> = {
  info: { run: info, least: 0, most: 0 },
  addresses: { run: addresses, least: 0, most: 0 },
  exec: { run: exec, least: 1, most: Infinity },
  cat: { run: cat, least: 1, most: 1 },
  put: { run: put, least: 1, most: 1 },
};

export function guestCommand(): Command {
  const command = new Command('guest')
    .argument('<address>', "of the guest agent's line: unix:PATH or tcp:HOST:PORT; or libvirt:NAME")
    .argument('<action>', Object.keys(ACTIONS).join(', '))
    .argument('[words...]', 'exec: the program and its arguments, after --; cat, put: the path of a file in the guest')
    .addOption(
      new Option('-t, --timeout <seconds>', 'how long to wait for the agent, and for a program')
        .argParser(seconds)
        .default(60_000, '60'),
    )
    .option('-i, --stdin', 'exec: give the program what comes on stdin')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp guest unix:/run/vm1.qga info
  $ rx-qmp guest libvirt:vm1 exec -- uname -a
  $ rx-qmp guest unix:/run/vm1.qga exec -- sh -c 'df -h /; exit 3'
  $ rx-qmp guest unix:/run/vm1.qga cat /etc/os-release
  $ rx-qmp guest unix:/run/vm1.qga put /etc/motd < motd

exec ends with the exit code of the program, or with 128 and the number of the signal that ended it. What the guest says is
printed as it is into a file or a pipe, and with its control characters escaped on a terminal.`,
    )
    .action(guest);
  return addressOptions(command);
}

async function guest(address: string, name: string, words: string[], options: GuestOptions): Promise<void> {
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (!action) throw new UsageError(`action must be one of ${Object.keys(ACTIONS).join(', ')}, not '${name}'`);
  if (words.length < action.least) throw new UsageError(`${name} lacks ${name === 'exec' ? 'a program' : 'a path'}`);
  if (words.length > action.most) {
    throw new UsageError(`${name} takes ${action.most === 0 ? 'no more words' : 'one path'}`);
  }
  const { timeout } = options;
  const agent = new QmpClient(await agentConnectorFor(address, options), {
    connectTimeout: timeout,
    executeTimeout: timeout,
  });
  await withConnected(agent, (connected, signal) => action.run(connected, words, options, signal));
}

async function info(
  agent: Agent,
  _words: readonly string[],
  _options: GuestOptions,
  signal: AbortSignal,
): Promise<void> {
  process.stdout.write(`${resultText(await guestInfo(agent, { signal }), false)}\n`);
}

async function addresses(
  agent: Agent,
  _words: readonly string[],
  _options: GuestOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const { address, prefix, interface: name } of await guestAddresses(agent, { signal })) {
    process.stdout.write(`${resultText(`${address}/${prefix}\t${name}`, true)}\n`);
  }
}

async function exec(agent: Agent, words: readonly string[], options: GuestOptions, signal: AbortSignal): Promise<void> {
  const [path = '', ...args] = words;
  const input = options.stdin ? { input: await buffer(process.stdin) } : {};
  const result = await guestExec(agent, path, args, { timeout: options.timeout, signal, ...input });
  write(process.stdout, result.stdout);
  write(process.stderr, result.stderr);
  if (result.truncated) note('rx-qmp: the agent has kept a part of the output only');
  process.exitCode = result.code ?? 128 + (result.signal ?? 0);
}

async function cat(
  agent: Agent,
  [path = '']: readonly string[],
  _options: GuestOptions,
  signal: AbortSignal,
): Promise<void> {
  write(process.stdout, await guestReadFile(agent, path, { signal, limit: Infinity }));
}

async function put(
  agent: Agent,
  [path = '']: readonly string[],
  _options: GuestOptions,
  signal: AbortSignal,
): Promise<void> {
  await guestWriteFile(agent, path, await buffer(process.stdin), { signal });
}

function write(stream: NodeJS.WriteStream, bytes: Uint8Array): void {
  if (bytes.length > 0) stream.write(stream.isTTY ? resultText(String(bytes), true) + '\n' : bytes);
}
