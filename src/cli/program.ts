import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { COMMANDS } from './commands.js';

/** The command line, with the command that is named in full and the others as their summaries. */
export async function program(words: readonly string[]): Promise<Command> {
  const { version, description } = manifest();
  const result = new Command('rx-qmp')
    .description(description)
    .version(version)
    .exitOverride()
    .showHelpAfterError(`'rx-qmp --help' lists the commands, 'rx-qmp COMMAND --help' its options.`)
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp demo                                       see what it does, in ten seconds
  $ rx-qmp watch unix:/run/vm1.qmp                    print events as they come
  $ rx-qmp exec unix:/run/vm1.qmp query-status        run one command

'rx-qmp COMMAND --help' has more of them. NO_COLOR=1 and FORCE_COLOR=1 decide about colours.`,
    );
  const named = words[0] === 'help' ? words[1] : words[0];
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = name === named ? await load() : new Command(name);
    result.addCommand(command.description(summary));
    inherit(command, result);
  }
  return result;
}

/** Commands that were not made by their parent do not have its settings. */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const inner of command.commands) inherit(inner, command);
}

function manifest(): { version: string; description: string } {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
    description: string;
  };
}
