import type { VmInfo } from 'rx-qmp';
import { troublesOf, type Trouble } from './trouble';

/** How a state looks. `quiet` is for what is neither good nor bad: prelaunch, inmigrate, shutdown … */
export type Look = 'running' | 'paused' | 'quiet' | 'waiting' | 'trouble';

/** One VM as the list shows it. */
export interface VmRow {
  readonly info: VmInfo;
  readonly name: string;
  /** The host of a fleet's VM, else what its name begins with: `web` of `web12`. */
  readonly group: string;
  /** QEMU's word for its run state; without a session to it, the session's own. */
  readonly label: string;
  readonly look: Look;
  readonly troubles: readonly Trouble[];
  readonly since: number;
}

const rows = new WeakMap<VmInfo, VmRow>();

/** The same row for the same info: with thousands of VMs only those that changed cost something. */
export function rowOf(info: VmInfo): VmRow {
  const known = rows.get(info);
  if (known) return known;
  const troubles = troublesOf(info);
  const label = info.state === 'ready' ? (info.status ?? 'ready') : info.state;
  const row: VmRow = {
    info,
    name: info.name,
    group: groupOf(info.name),
    label,
    look: troubles.some(({ kind }) => kind !== 'job') ? 'trouble' : lookOf(label),
    troubles,
    since: Date.parse(info.since),
  };
  rows.set(info, row);
  return row;
}

export function groupOf(name: string): string {
  const [host, ...rest] = name.split('/');
  if (host !== undefined && rest.length > 0) return host;
  return name.replace(/[-_.]?\d+$/, '') || name;
}

function lookOf(label: string): Look {
  switch (label) {
    case 'running':
      return 'running';
    case 'paused':
    case 'suspended':
      return 'paused';
    case 'connecting':
    case 'unknown':
      return 'waiting';
    default:
      return 'quiet';
  }
}
