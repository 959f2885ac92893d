import type { CommandEntry } from './command-entry.js';

/** The commands of `rx-qmp`, in the order in which its help lists them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  watch: {
    summary: 'print the events of one or more VMs as they come',
    load: async () => (await import('./commands/watch.js')).watchCommand(),
  },
  exec: {
    summary: 'run one command and print what it returns as JSON',
    load: async () => (await import('./commands/exec.js')).execCommand(),
  },
  shell: {
    summary: 'type commands, with completion from the QEMU itself, and see events as they come',
    load: async () => (await import('./commands/shell.js')).shellCommand(),
  },
  guest: {
    summary: 'run programs and move files inside the guest, through its agent',
    load: async () => (await import('./commands/guest.js')).guestCommand(),
  },
  demo: {
    summary: 'show what the library does, on a QEMU of its own or a simulated one',
    load: async () => (await import('./commands/demo.js')).demoCommand(),
  },
  record: {
    summary: 'write a session to a file, to replay it later',
    load: async () => (await import('./commands/record.js')).recordCommand(),
  },
  replay: {
    summary: 'print the events of a recorded session, or serve it to QMP clients, at its own pace or faster',
    load: async () => (await import('./commands/replay.js')).replayCommand(),
  },
  generate: {
    summary: 'write the types of the events and commands that your QEMU has and rx-qmp does not list',
    load: async () => (await import('./commands/generate.js')).generateCommand(),
  },
  shutdown: {
    summary: 'shut the guest down by its power button, or make QEMU quit',
    load: async () => (await import('./commands/shutdown.js')).shutdownCommand(),
  },
  screenshot: {
    summary: 'write a picture of the guest’s screen, as PNG',
    load: async () => (await import('./commands/screenshot.js')).screenshotCommand(),
  },
  type: {
    summary: 'type a text into the guest’s keyboard, or press keys',
    load: async () => (await import('./commands/type.js')).typeCommand(),
  },
  jobs: {
    summary: 'list the background jobs, or follow their progress',
    load: async () => (await import('./commands/jobs.js')).jobsCommand(),
  },
  migrate: {
    summary: 'move the VM to another QEMU',
    load: async () => (await import('./commands/migrate.js')).migrateCommand(),
  },
  vms: {
    summary: 'list the VMs of a hub, or of a fleet',
    load: async () => (await import('./commands/vms.js')).vmsCommand(),
  },
  hub: {
    summary: 'offer VMs to browsers and to many clients, by WebSocket',
    load: async () => (await import('./commands/hub.js')).hubCommand(),
  },
  agent: {
    summary: 'offer the VMs of this host to a fleet, over NATS',
    load: async () => (await import('./commands/agent.js')).agentCommand(),
  },
  history: {
    summary: 'print what the log of a fleet holds of one or more VMs',
    load: async () => (await import('./commands/history.js')).historyCommand(),
  },
  'nats-config': {
    summary: 'print a nats-server.conf with the users of a fleet and their rights',
    load: async () => (await import('./commands/nats-config.js')).natsConfigCommand(),
  },
  dashboard: {
    summary: 'show VMs in a page of the browser',
    load: async () => (await import('./commands/dashboard.js')).dashboardCommand(),
  },
  completion: {
    summary: 'print the script that completes rx-qmp in bash, zsh or fish',
    load: async () => (await import('./commands/completion.js')).completionCommand(COMMANDS),
  },
};
