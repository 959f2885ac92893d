import type { Socket } from 'node:net';
import { basename } from 'node:path';
import { QmpClient } from '../client/qmp-client.js';
import { checkSignal, checkTimeout } from '../foundation/checks.js';
import { show, textOf } from '../foundation/text.js';
import { guestAgent } from '../guest/guest-agent.js';
import { ConnectError, QmpError } from '../protocol/errors.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';
import { agentChannel } from './agent-channel.js';
import { commandLine, type CommandLine, type PassedFd } from './command-line.js';
import { ownEmulator } from './emulator.js';
import { inheritedMonitor } from './inherited-monitor.js';
import { LaunchError, launchError } from './launch-error.js';
import { Machine } from './machine.js';
import { bindToProgram } from './program-end.js';
import { QemuProcess } from './qemu-process.js';
import { SerialConsole } from './serial-console.js';
import { within } from './within.js';

/** How a QEMU is launched, and what it gets besides its arguments. */
export interface LaunchOptions {
  /** The QEMU to run: a path, or a name to be found on PATH. @default the one of this machine's architecture */
  readonly binary?: string;
  /** The name of the VM in errors and log lines. @default the name of the binary */
  readonly name?: string;
  /** Gives up launching when it aborts. */
  readonly signal?: AbortSignal;
  /** Milliseconds that QEMU's monitor may take to greet. @default 10_000 */
  readonly connectTimeout?: number;
  /**
   * Descriptors for QEMU, which stay the caller's own to close. A plain one is in the fd set of its place among the plain
   * ones: the first is the file `/dev/fdset/1`. One with `at` (from 10 on) has that number in QEMU: for `tap,fd=20`, say.
   */
  readonly fds?: readonly PassedFd[];
  /** Makes the first serial port {@link Machine.console}. @default false */
  readonly console?: boolean;
  /**
   * Adds a virtio-serial device with the port of the guest's agent, and makes the agent {@link Machine.guest}.
   * @default false
   */
  readonly guestAgent?: boolean;
  /** Milliseconds that the guest gets to shut down in `stop()`. @default 10_000 */
  readonly grace?: number;
}

/** A {@link Machine} whose `console` and `guest` are there if they were asked for. */
export type LaunchedMachine<O extends LaunchOptions> = Machine &
  (O extends { readonly console: true } ? { readonly console: SerialConsole } : unknown) &
  (O extends { readonly guestAgent: true } ? { readonly guest: QmpClient<GuestCommandMap> } : unknown);

/** Milliseconds between two attempts to reach the guest's agent. */
const AGENT_PAUSE = 100;
/** Milliseconds until a QEMU that has closed its monitor must have ended. */
const END_PATIENCE = 1_000;

/**
 * Starts a QEMU, and resolves once its monitor takes commands.
 *
 * ```ts
 * await using vm = await launch(['-machine', 'q35', '-m', '256', '-display', 'none', 'disk.qcow2']);
 * console.log(await vm.client.execute('query-status'));
 * ```
 *
 * The monitor is a socketpair that QEMU inherits: no file, and no second client. Nothing but that and what `options` ask for
 * is added to the arguments. QEMU does not outlive the program.
 *
 * Rejects with {@link LaunchError}, which has QEMU's own words, with `TypeError` or `RangeError` for arguments that are not
 * valid, or with the reason of the signal; nothing is left running then.
 */
export async function launch<const O extends LaunchOptions>(
  args: readonly string[],
  options: O = {} as O,
): Promise<LaunchedMachine<O>> {
  const { binary = ownEmulator, connectTimeout = 10_000, grace = 10_000, signal, fds = [] } = options;
  if (typeof binary !== 'string' || binary === '') {
    throw new TypeError(`binary must be the name or the path of a QEMU, not ${show(binary)}`);
  }
  checkTimeout('connectTimeout', connectTimeout);
  checkTimeout('grace', grace);
  checkSignal('signal', signal);
  if (process.platform === 'win32') {
    throw new QmpError(
      'launch() needs socketpairs, which Windows lacks: start QEMU with -qmp tcp:127.0.0.1:PORT,server=on and use tcp()',
    );
  }
  signal?.throwIfAborted();
  const wrapper = await bindToProgram();
  signal?.throwIfAborted();
  const { name = basename(binary) } = options;
  const line = commandLine(args, fds, { console: options.console ?? false, guestAgent: options.guestAgent ?? false });
  const qemu = start(wrapper, binary, line);
  if (qemu.pid === undefined) throw launchError(binary, await qemu.exited);
  const client = new QmpClient(inheritedMonitor(name, qemu.socket(line.monitor)), { name, connectTimeout });
  try {
    await client.connect(signal ? { signal } : {});
  } catch (cause) {
    await client.close();
    // Where it has hung up it is about to end, and says why; where it is silent it has to be ended.
    const endedItself = cause instanceof ConnectError && (await within(END_PATIENCE, qemu.exited));
    if (!endedItself) qemu.kill('SIGKILL');
    const end = await qemu.exited;
    if (!(cause instanceof ConnectError)) throw cause;
    throw endedItself ? launchError(binary, end, cause) : new LaunchError(cause.message, end, { cause });
  }
  const console = line.console === undefined ? undefined : new SerialConsole(name, qemu.socket(line.console));
  const guest = line.guestAgent === undefined ? undefined : agentOf(name, qemu.socket(line.guestAgent));
  return new Machine({ process: qemu, client, console, guest, grace }) as LaunchedMachine<O>;
}

/** Attempts follow each other at once: the question of the latest waits in the socket until the guest reads it. */
function agentOf(name: string, socket: Socket): QmpClient<GuestCommandMap> {
  const connector = guestAgent(agentChannel(name, socket));
  return new QmpClient(connector, { name: `${name}: guest agent`, reconnect: { delay: () => AGENT_PAUSE } });
}

function start(wrapper: readonly string[], binary: string, { args, stdio }: CommandLine): QemuProcess {
  try {
    return new QemuProcess(wrapper, [binary, ...args], stdio);
  } catch (cause) {
    throw launchError(binary, { code: null, signal: null, stderr: textOf(cause) }, cause);
  }
}
