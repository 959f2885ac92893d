import type { Counters } from '../../gateway/counters.js';
import type { IntervalHistogram } from 'node:perf_hooks';
import type { OfferedVms } from '../../gateway/offered-vms.js';
import type { Vm } from '../../gateway/vm.js';
import type { Audit } from './audit.js';
import type { Clients } from './clients.js';
import type { Watchers } from './watchers.js';

/** Seconds between two looks of `monitorEventLoopDelay`, which it counts in. */
const LOOK_INTERVAL = 0.01;

/** What is measured. */
export interface Measured {
  readonly vms: OfferedVms;
  readonly watchers: Watchers;
  readonly clients: Clients;
  readonly counters: Counters;
  readonly audit: Audit;
  /** How long the event loop has kept everybody waiting. */
  readonly loopDelay: IntervalHistogram;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** What Prometheus reads. */
export function metricsText({ vms, watchers, clients, counters, audit, loopDelay }: Measured): string {
  const [mean, longest] = [delayOf(loopDelay.mean), delayOf(loopDelay.max)];
  loopDelay.reset();
  // Those of other hosts only while somebody uses them.
  const sessions = vms.all.flatMap(({ session }): Vm[] => (session ? [session] : []));
  return [
    metric('rxqmp_vm_up', 'gauge', 'Whether there is a session to the VM.', [
      ...vms.all.map(({ name: vm, info }): Sample => [{ vm }, ['ready', 'unresponsive'].includes(info.state) ? 1 : 0]),
    ]),
    metric('rxqmp_vm_clients', 'gauge', 'Clients served now.', [
      ...sessions.map(({ name: vm, callers }): Sample => [{ vm }, callers]),
    ]),
    metric('rxqmp_vm_unresponsive', 'gauge', 'Whether it has a session and answers nothing.', [
      ...vms.all.map(({ name: vm, info }): Sample => [{ vm }, info.state === 'unresponsive' ? 1 : 0]),
    ]),
    metric('rxqmp_vm_silence_seconds', 'gauge', 'Since it last said something.', [
      ...sessions.map(({ name: vm, silence }): Sample => [{ vm }, Math.round(silence) / 1_000]),
    ]),
    metric('rxqmp_vm_pending_commands', 'gauge', 'Commands without an answer.', [
      ...sessions.map(({ name: vm, pending }): Sample => [{ vm }, pending]),
    ]),
    metric('rxqmp_vm_events_total', 'counter', 'Events received.', [
      ...vms.all.map(({ name: vm, events }): Sample => [{ vm }, events]),
    ]),
    metric('rxqmp_vm_commands_total', 'counter', 'Commands of clients passed on.', [
      ...sessions.map(({ name: vm, commands }): Sample => [{ vm }, commands]),
    ]),
    metric('rxqmp_vm_reconnects_total', 'counter', 'Sessions after the first.', [
      ...sessions.map(({ name: vm, client }): Sample => [{ vm }, client.stats.reconnects]),
    ]),
    metric('rxqmp_hub_watchers', 'gauge', 'Clients of /events now.', [[{}, watchers.size]]),
    metric('rxqmp_hub_clients', 'gauge', 'Clients of all kinds now.', [[{}, clients.size]]),
    metric('rxqmp_hub_unread_bytes', 'gauge', 'Bytes that clients have not read, or that their commands take.', [
      [{}, clients.weight],
    ]),
    metric('rxqmp_hub_audit_lines_total', 'counter', 'Lines of the audit.', [[{}, audit.lines]]),
    metric('rxqmp_hub_loop_delay_seconds', 'gauge', 'Delay of the event loop since the last look.', [
      [{ of: 'mean' }, mean],
      [{ of: 'longest' }, longest],
    ]),
    metric('rxqmp_hub_refused_total', 'counter', 'Requests refused.', [
      ...[...counters.refusals].map(([cause, count]): Sample => [{ cause }, count]),
    ]),
    metric('rxqmp_hub_cut_off_total', 'counter', 'Clients cut off.', [
      ...[...counters.cutOffs].map(([cause, count]): Sample => [{ cause }, count]),
    ]),
  ].join('');
}

function metric(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    // What stands here is made of letters, digits and a few marks: nothing to escape.
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${name}${pairs.length > 0 ? `{${pairs.join()}}` : ''} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** In seconds, what comes on top of the time between two looks. */
function delayOf(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - LOOK_INTERVAL) : 0;
}
