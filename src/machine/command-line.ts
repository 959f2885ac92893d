import { show } from '../foundation/text.js';
import type { StdioOptions } from 'node:child_process';
import { fstatSync } from 'node:fs';

/** A descriptor of the program's own for QEMU; a `FileHandle` is one, too. */
export type PassedFd = number | { readonly fd: number; readonly at?: number };

/** Which of our socketpairs QEMU gets. */
export interface Channels {
  readonly console: boolean;
  readonly guestAgent: boolean;
}

/** QEMU's arguments and descriptors, and which of them lead to us. */
export interface CommandLine {
  readonly args: readonly string[];
  readonly stdio: StdioOptions;
  readonly monitor: number;
  readonly console: number | undefined;
  readonly guestAgent: number | undefined;
}

/** Below are stdin, stdout, stderr, and room for ours and for fd sets. */
const LOWEST_PLACE = 10;
/** Each number below costs a check at the start of the process. */
const HIGHEST_PLACE = 1023;

/** What is ours stands first, so that the console is the first serial port. */
export function commandLine(
  args: readonly string[],
  fds: readonly PassedFd[],
  { console, guestAgent }: Channels,
): CommandLine {
  checkArguments(args);
  const stdio = placed(fds);
  const place = (what: 'pipe' | number): number => {
    let free = 3;
    while (stdio[free] !== undefined) free += 1;
    stdio[free] = what;
    return free;
  };
  const monitor = place('pipe');
  const ours = ['-chardev', `socket,id=rx-qmp-monitor,fd=${monitor}`, '-mon', 'chardev=rx-qmp-monitor,mode=control'];
  const consoleFd = console ? place('pipe') : undefined;
  if (consoleFd !== undefined) {
    ours.push('-chardev', `socket,id=rx-qmp-console,fd=${consoleFd}`, '-serial', 'chardev:rx-qmp-console');
  }
  const agentFd = guestAgent ? place('pipe') : undefined;
  if (agentFd !== undefined) {
    const port = 'virtserialport,id=rx-qmp-agent-port,bus=rx-qmp-ports.0,chardev=rx-qmp-agent';
    ours.push('-chardev', `socket,id=rx-qmp-agent,fd=${agentFd}`, '-device', 'virtio-serial,id=rx-qmp-ports');
    ours.push('-device', `${port},name=org.qemu.guest_agent.0`);
  }
  fds
    .filter((fd) => placeOf(fd) === undefined)
    .forEach((fd, index) => {
      ours.push('-add-fd', `fd=${place(numberOf(fd))},set=${index + 1}`);
    });
  return {
    args: [...ours, ...args],
    stdio: Array.from(stdio, (one) => one ?? 'ignore'),
    monitor,
    console: consoleFd,
    guestAgent: agentFd,
  };
}

function checkArguments(args: unknown): void {
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === 'string')) {
    throw new TypeError('args must be the arguments of QEMU, an array of strings');
  }
  if (args.some((arg) => /^--?daemonize$/.test(arg))) {
    throw new TypeError('args has -daemonize: QEMU would leave the process that is watched here, and stay behind');
  }
}

/** The standard streams, and the descriptors that have a place of their own. */
function placed(fds: readonly PassedFd[]): ('ignore' | 'pipe' | number | undefined)[] {
  const stdio: ('ignore' | 'pipe' | number | undefined)[] = ['ignore', 'ignore', 'pipe'];
  for (const one of fds) {
    const fd = numberOf(one);
    checkOpen(fd);
    const at = placeOf(one);
    if (at === undefined) continue;
    if (!Number.isInteger(at) || at < LOWEST_PLACE || at > HIGHEST_PLACE) {
      throw new RangeError(`at must be from ${LOWEST_PLACE} to ${HIGHEST_PLACE}; it is ${show(at)}`);
    }
    if (stdio[at] !== undefined) throw new RangeError(`two of fds have the number ${at}`);
    stdio[at] = fd;
  }
  return stdio;
}

/** The number of a closed descriptor would be that of our own socketpair in a moment. */
function checkOpen(fd: unknown): void {
  try {
    fstatSync(fd as number);
  } catch {
    throw new TypeError(`fds must hold open descriptors; ${show(fd)} is not one`);
  }
}

function numberOf(one: PassedFd): number {
  return typeof one === 'number' ? one : one.fd;
}

function placeOf(one: PassedFd): number | undefined {
  return typeof one === 'number' ? undefined : one.at;
}
