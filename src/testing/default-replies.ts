import type { CommandMap } from '../protocol/qapi/command-map.js';
import type { FakeJobs } from './fake-jobs.js';
import type { Replies } from './reply.js';
import type { Schema } from './schema.js';
import type { Greeting } from '../protocol/message.js';
import type { JobHost } from './fake-job.js';

/** A run state of a VM: `running`, `paused`, `prelaunch`, … */
export type RunState = CommandMap['query-status']['result']['status'];

/** What the default answers know of the machine. */
export interface Machine {
  readonly greeting: Greeting;
  readonly schema: Schema;
  readonly commandNames: () => readonly string[];
  readonly jobs: () => FakeJobs;
  readonly status: () => RunState;
  readonly emit: JobHost['emit'];
  /** Leaves in good order. */
  readonly exit: () => void;
}

/** How a QEMU answers whose machine has nothing in it, as `-machine none -nodefaults` has. */
export function defaultReplies(machine: Machine): Replies {
  const { emit } = machine;
  return {
    'query-version': () => machine.greeting.QMP.version,
    'query-commands': () => machine.commandNames().map((name) => ({ name })),
    'query-qmp-schema': () => machine.schema,
    'query-status': () => ({
      status: machine.status(),
      singlestep: false,
      running: machine.status() === 'running',
    }),
    'query-name': {},
    'query-uuid': { UUID: '00000000-0000-0000-0000-000000000000' },
    'query-kvm': { enabled: false, present: true },
    'query-cpus-fast': [],
    'query-block': [],
    'query-named-block-nodes': [],
    'query-block-jobs': [],
    'query-chardev': [],
    'query-pci': [],
    'query-vnc': { enabled: false },
    'query-iothreads': [],
    'send-key': {},
    'query-yank': [{ type: 'chardev', id: 'compat_monitor0' }],
    stop: () => {
      if (machine.status() === 'running') emit('STOP');
    },
    cont: () => {
      if (machine.status() !== 'running') emit('RESUME');
    },
    system_reset: () => {
      emit('RESET', { guest: false, reason: 'host-qmp-system-reset' });
    },
    system_powerdown: () => {
      emit('POWERDOWN');
    },
    quit: (_args, hooks) => {
      emit('SHUTDOWN', { guest: false, reason: 'host-qmp-quit' });
      for (const job of machine.jobs().list) job.vanish();
      hooks.afterReply(machine.exit);
    },
    'human-monitor-command': ({ 'command-line': line }) =>
      line === 'info status' ? `VM status: ${machine.status()}\r\n` : `unknown command: '${line}'\r\n`,
    'query-jobs': () => machine.jobs().list.map((job) => job.info),
    'blockdev-create': ({ 'job-id': id }, hooks) => {
      const job = machine.jobs().start(id, 'create', { autoDismiss: false });
      hooks.afterReply(() => {
        job.finish();
      });
    },
    'job-pause': ({ id }) => {
      machine.jobs().find(id, 'pause').pause();
    },
    'job-resume': ({ id }) => {
      machine.jobs().find(id, 'resume').resume();
    },
    'job-cancel': ({ id }, hooks) => {
      const job = machine.jobs().find(id, 'cancel');
      hooks.afterReply(() => {
        job.cancel();
      });
    },
    'job-complete': ({ id }, hooks) => {
      const job = machine.jobs().find(id, 'complete');
      hooks.afterReply(() => {
        job.finish();
      });
    },
    'job-finalize': ({ id }) => {
      machine.jobs().find(id, 'finalize').finalize();
    },
    'job-dismiss': ({ id }) => {
      machine.jobs().find(id, 'dismiss').dismiss();
    },
  };
}
