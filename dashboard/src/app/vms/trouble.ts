import type { VmInfo } from 'rx-qmp';

/** Something that an operator has to look at. A paused VM is none: somebody wanted it so. */
export interface Trouble {
  readonly vm: string;
  readonly kind: 'panicked' | 'error' | 'unresponsive' | 'gone' | 'unknown' | 'job';
  /** In a few words: "guest panicked", "job backup0 failed". */
  readonly text: string;
  /** Names this very trouble, so that the next one of its kind is not taken for one that was acknowledged. */
  readonly key: string;
}

/** QEMU's run states in which the guest stands still and nobody wanted it. */
const BAD_STATES: Readonly<Record<string, Trouble['kind']>> = {
  'guest-panicked': 'panicked',
  'internal-error': 'error',
  'io-error': 'error',
  watchdog: 'error',
};

export function troublesOf(vm: VmInfo): readonly Trouble[] {
  const troubles: Trouble[] = [];
  const add = (kind: Trouble['kind'], text: string, mark: string): void => {
    troubles.push({ vm: vm.name, kind, text, key: `${vm.name} ${kind} ${mark}` });
  };
  if (vm.state === 'gone') add('gone', 'gone', vm.since);
  else if (vm.state === 'unresponsive') add('unresponsive', 'unresponsive', vm.since);
  else if (vm.state === 'unknown') add('unknown', vm.reason ?? 'unknown', vm.since);
  const kind = vm.state === 'ready' && vm.status !== undefined ? BAD_STATES[vm.status] : undefined;
  if (kind && vm.status) add(kind, vm.status.replace('-', ' '), vm.since);
  if (vm.failedJob) add('job', `job ${vm.failedJob.id} failed`, `${vm.failedJob.id} ${vm.failedJob.since}`);
  return troubles;
}
