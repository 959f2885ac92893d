import type { VmInfo } from '../../gateway/vm-info.js';
import type { Log } from './log.js';
import type { Outcome } from './responder.js';

export interface AgentFigures {
  readonly host: string;
  readonly vms: readonly VmInfo[];
  readonly speaking: boolean;
  readonly epoch: number;
  readonly log: Log['stats'];
  readonly presence: number;
  readonly commands: ReadonlyMap<Outcome, number>;
  readonly unanswered: number;
  readonly events: number;
}

type Sample = readonly [labels: string, value: number];

/** What Prometheus reads. */
export function agentMetrics(figures: AgentFigures): string {
  const { vms, log, commands } = figures;
  const states = ['connecting', 'ready', 'unresponsive', 'gone'];
  const ofState = (state: string): number => vms.filter((vm) => vm.state === state).length;
  return [
    metric('vms', 'gauge', 'VMs by state.', [...states.map((state): Sample => [`{state="${state}"}`, ofState(state)])]),
    metric('speaking', 'gauge', '1 while it is connected and holds its host; 0 is silence.', [
      ['', Number(figures.speaking)],
    ]),
    metric('epoch', 'gauge', 'Of its claim to the host.', [['', figures.epoch]]),
    metric('events_total', 'counter', 'Events received.', [['', figures.events]]),
    metric('log_waiting', 'gauge', 'Events that are not stored yet.', [['', log.waiting]]),
    metric('log_waiting_bytes', 'gauge', 'The same, in characters.', [['', log.bytes]]),
    metric('log_stored_total', 'counter', 'Events and markers stored.', [['', log.stored]]),
    metric('log_dropped_total', 'counter', 'Events that are lost to the log: the buffer was full.', [
      ['', log.dropped],
    ]),
    metric('presence_puts_total', 'counter', 'Changes written for those who come later.', [['', figures.presence]]),
    metric('commands_total', 'counter', 'Commands by what became of them.', [
      ...[...commands].map(([outcome, count]): Sample => [`{outcome="${outcome}"}`, count]),
    ]),
    metric('commands_unanswered', 'gauge', 'Commands that run or wait.', [['', figures.unanswered]]),
  ].join('');
}

function metric(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const full = `rxqmp_agent_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${labels} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}
