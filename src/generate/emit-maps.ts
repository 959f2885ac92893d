import { emitKey, emitNote, emitType } from './emit.js';
import type { CommandNode, EventNode } from './graph.js';
import type { Names } from './naming.js';

const width = 120;

/** The properties of `EventMap`, each on a line of its own. */
export function emitEvents(events: readonly EventNode[], names: Names, prefix: string): string {
  return events
    .map(({ name, data, note }) => `${emitNote(note, '  ')}  ${emitKey(name)}: ${emitType(data, names, prefix)};\n`)
    .join('');
}

/** The properties of `CommandMap`. */
export function emitCommands(commands: readonly CommandNode[], names: Names, prefix: string): string {
  return commands
    .map((command) => {
      const members = [
        `arguments: ${emitType(command.arguments, names, prefix)}`,
        `result: ${emitType(command.result, names, prefix)}`,
        ...(command.oob ? ['oob: true'] : []),
      ];
      const line = `  '${command.name}': { ${members.join('; ')} };`;
      const long = `  '${command.name}': {\n${members.map((member) => `    ${member};\n`).join('')}  };`;
      return `${emitNote(command.note, '  ')}${line.length <= width ? line : long}\n`;
    })
    .join('');
}
