import { emitKey, emitNote, emitType } from './emit.js';
import type { CommandNode, EventNode } from './graph.js';
import type { Names } from './naming.js';

const width = 120;

/** Where an event or a command is explained. */
export type See = (name: string) => string | undefined;

/** The properties of `EventMap`, each on a line of its own. */
export function emitEvents(
  events: readonly EventNode[],
  names: Names,
  prefix: string,
  see: See = () => undefined,
): string {
  return events
    .map(
      ({ name, data, note }) =>
        `${emitNote(note, '  ', see(name))}  ${emitKey(name)}: ${emitType(data, names, prefix)};\n`,
    )
    .join('');
}

/** The properties of `CommandMap`. */
export function emitCommands(
  commands: readonly CommandNode[],
  names: Names,
  prefix: string,
  see: See = () => undefined,
): string {
  return commands
    .map((command) => {
      const members = [
        `arguments: ${emitType(command.arguments, names, prefix)}`,
        `result: ${emitType(command.result, names, prefix)}`,
        ...(command.oob ? ['oob: true'] : []),
      ];
      const line = `  '${command.name}': { ${members.join('; ')} };`;
      const long = `  '${command.name}': {\n${members.map((member) => `    ${member};\n`).join('')}  };`;
      return `${emitNote(command.note, '  ', see(command.name))}${line.length <= width ? line : long}\n`;
    })
    .join('');
}
