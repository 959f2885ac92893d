import type { QmpSchema } from '../../client/schema.js';
import { didYouMean } from '../did-you-mean.js';
import { printable } from '../terminal.js';

const HELP = `COMMAND key=value …     run a command: blockdev-add driver=raw node-name=a file.driver=file file.filename=a.img
COMMAND {…}             the same with its arguments in JSON; a bracket left open goes on in the next line
{"execute": …}          a whole command in JSON
hmp LINE                a line for QEMU's monitor for people
transaction(            the actions in the following lines, up to ), as one command
help COMMAND            its arguments
exit, Ctrl-D            leave; the VM goes on
quit                    is QEMU's command: it ends the VM

Tab completes commands, arguments and values. Ctrl-C clears the line, or leaves a command to itself. Lines that begin with a blank or
speak of a password or secret are not kept in the history.`;

/** What the shell can do, or what a command takes. */
export function helpText(schema: QmpSchema | undefined, command: string | undefined): string {
  if (command === undefined) return HELP;
  if (!schema) return 'this QEMU does not tell what its commands take';
  if (!schema.commands.includes(command)) {
    return printable(`there is no command ${command}${didYouMean(command, schema.commands)}`);
  }
  const members = schema.members(command).map(({ name, kind, optional }) => {
    const values = schema.values(command, name);
    const type = values.length > 0 ? values.join(' | ') : kind;
    return `  ${name}: ${type}${optional ? ', optional' : ''}`;
  });
  const features = schema.features(command);
  const title = features.length > 0 ? `${command} (${features.join(', ')})` : command;
  return [title, ...(members.length > 0 ? members : ['  no arguments'])].map(printable).join('\n');
}
