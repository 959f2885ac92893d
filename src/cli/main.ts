#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { demoCommand } from './commands/demo.js';
import { execCommand } from './commands/exec.js';
import { generateCommand } from './commands/generate.js';
import { hubCommand } from './commands/hub.js';
import { recordCommand } from './commands/record.js';
import { replayCommand } from './commands/replay.js';
import { watchCommand } from './commands/watch.js';
import { note, printable } from './terminal.js';

const { version, description } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  description: string;
};

const program = new Command('rx-qmp')
  .description(description)
  .version(version)
  .addCommand(watchCommand())
  .addCommand(execCommand())
  .addCommand(demoCommand())
  .addCommand(recordCommand())
  .addCommand(replayCommand())
  .addCommand(generateCommand())
  .addCommand(hubCommand())
  .addHelpText(
    'after',
    `
Examples:
  $ rx-qmp demo                                       see what it does, in ten seconds
  $ rx-qmp watch unix:/run/vm1.qmp                    print events as they come
  $ rx-qmp exec unix:/run/vm1.qmp query-status        run one command

'rx-qmp COMMAND --help' has more of them.`,
  );

try {
  await program.parseAsync();
} catch (error) {
  note(printable(`rx-qmp: ${error instanceof Error ? error.message : String(error)}`));
  process.exitCode = 1;
}
