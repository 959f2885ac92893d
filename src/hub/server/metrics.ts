import type { Counters } from '../../gateway/counters.js';
import type { Vms } from '../../gateway/vms.js';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** What Prometheus reads. */
export function metricsText(vms: Vms, watchers: number, counters: Counters): string {
  return [
    metric('rxqmp_vm_up', 'gauge', 'Whether there is a session to the VM.', [
      ...vms.all.map(({ name: vm, info }): Sample => [{ vm }, info.state === 'ready' ? 1 : 0]),
    ]),
    metric('rxqmp_vm_clients', 'gauge', 'Clients served now.', [
      ...vms.all.map(({ name: vm, callers }): Sample => [{ vm }, callers]),
    ]),
    metric('rxqmp_vm_events_total', 'counter', 'Events received.', [
      ...vms.all.map(({ name: vm, events }): Sample => [{ vm }, events]),
    ]),
    metric('rxqmp_vm_commands_total', 'counter', 'Commands of clients passed on.', [
      ...vms.all.map(({ name: vm, commands }): Sample => [{ vm }, commands]),
    ]),
    metric('rxqmp_vm_reconnects_total', 'counter', 'Sessions after the first.', [
      ...vms.all.map(({ name: vm, client }): Sample => [{ vm }, client.stats.reconnects]),
    ]),
    metric('rxqmp_hub_watchers', 'gauge', 'Clients of /events now.', [[{}, watchers]]),
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
