import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { readObject } from '../wire.js';

/** Who serves a host, as its claim says it. */
export interface Holder {
  /** Random, of this agent alone. */
  readonly id: string;
  readonly machine: string;
  readonly boot: string;
  /** Of processes: a container that shares the machine's id has its own. */
  readonly namespace: string;
  readonly pid: number;
  /** When the process began, in ticks since boot: a pid is used again. */
  readonly started: string;
  readonly hostname: string;
  readonly since: string;
}

/** This process. Off Linux, and where something is not to be read, it cannot be told from another. */
export function thisHolder(id: string): Holder {
  return {
    id,
    machine: read('/etc/machine-id'),
    boot: read('/proc/sys/kernel/random/boot_id'),
    namespace: link('/proc/self/ns/pid'),
    pid: process.pid,
    started: startOf(process.pid),
    hostname: hostname(),
    since: new Date().toISOString(),
  };
}

export function readHolder(text: string): Holder | undefined {
  const value = readObject(text);
  const { id, pid } = value ?? {};
  if (typeof id !== 'string' || !Number.isSafeInteger(pid)) return undefined;
  const texts = ['machine', 'boot', 'namespace', 'started', 'hostname', 'since'] as const;
  return texts.every((member) => typeof value?.[member] === 'string') ? (value as unknown as Holder) : undefined;
}

/** True if it is sure that the holder runs no more: it was a process of this very machine, since its last start. */
export function isGone(holder: Holder): boolean {
  const here = thisHolder('');
  const same = (['machine', 'boot', 'namespace'] as const).every(
    (member) => here[member] !== '' && here[member] === holder[member],
  );
  return same && holder.started !== '' && startOf(holder.pid) !== holder.started;
}

/** Empty if there is no such process. */
function startOf(pid: number): string {
  // The name of the program, in parentheses, may hold anything.
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields[19] ?? '';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
