import { readdir } from 'node:fs/promises';
import { knownNames } from '../protocol/qapi/known-names.js';
import type { CommandEntry } from './command-entry.js';

type Commands = Readonly<Record<string, CommandEntry>>;

const SCHEMES = ['unix:', 'tcp:', 'ws://', 'wss://', 'libvirt:', 'nats:'];

/** What may stand at the end of a command line; each with a blank behind it where the word is whole. */
export async function candidates(line: string, commands: Commands): Promise<string[]> {
  const words = line.trimStart().split(/\s+/).slice(1);
  const last = words.pop() ?? '';
  const found = await possible(words, last, commands);
  return found.filter((word) => word.startsWith(last)).sort();
}

async function possible(before: readonly string[], last: string, commands: Commands): Promise<string[]> {
  const [name = ''] = before;
  if (before.length === 0) return Object.keys(commands).map((command) => `${command} `);
  if (last.startsWith('-')) return optionsOf(Object.hasOwn(commands, name) ? commands[name] : undefined);
  if (['-e', '--event'].includes(before.at(-1) ?? '')) return knownNames.events.map((event) => `${event} `);
  // Behind the address stands the command: what begins with a dash, and its value, may stand anywhere.
  const operands = before.slice(1).filter((word) => !word.startsWith('-'));
  if (name === 'exec' && operands.length === 1) return knownNames.commands.map((command) => `${command} `);
  return last.startsWith('unix:') ? paths(last.slice('unix:'.length)) : SCHEMES;
}

async function optionsOf(entry: CommandEntry | undefined): Promise<string[]> {
  const { options = [] } = (await entry?.load()) ?? {};
  return ['--help ', ...options.flatMap(({ long }) => (long ? [`${long} `] : []))];
}

/** Sockets, and folders that may hold some. */
async function paths(begun: string): Promise<string[]> {
  const folder = begun.slice(0, begun.lastIndexOf('/') + 1);
  const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => {
    if (entry.isDirectory()) return [`unix:${folder}${entry.name}/`];
    return entry.isSocket() ? [`unix:${folder}${entry.name} `] : [];
  });
}
