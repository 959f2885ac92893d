/** What an event is about, for its colour. */
export type Tone = 'state' | 'job' | 'device' | 'trouble' | 'other';

/** In the order in which the timeline stacks them, the most urgent on top. */
export const TONES: readonly { readonly tone: Tone; readonly label: string }[] = [
  { tone: 'other', label: 'other' },
  { tone: 'device', label: 'devices' },
  { tone: 'job', label: 'jobs' },
  { tone: 'state', label: 'run state' },
  { tone: 'trouble', label: 'trouble' },
];

const TROUBLE = /ERROR|PANICKED|WATCHDOG|FAILURE|CORRUPTED|CRASHLOADED|CANCELLED/;
const STATE = /^(STOP|RESUME|SUSPEND|SUSPEND_DISK|WAKEUP|RESET|POWERDOWN|SHUTDOWN|MIGRATION.*)$/;
const DEVICE = /^(DEVICE|NIC|NETDEV|VNC|SPICE|VSERPORT|ACPI|MEMORY_DEVICE|CPU|BALLOON|PR_MANAGER|VFIO|UNPLUG|QUORUM)/;

export function toneOf(name: string): Tone {
  if (TROUBLE.test(name)) return 'trouble';
  if (STATE.test(name)) return 'state';
  if (name.includes('JOB')) return 'job';
  return DEVICE.test(name) ? 'device' : 'other';
}
