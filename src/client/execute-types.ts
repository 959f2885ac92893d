import type { CommandName } from '../protocol/message.js';
import type { KnownName } from '../protocol/event-names.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';
import type { ExecuteOptions } from './commands.js';

/** Refuses a literal that no `CommandMap` lists; of a command that is not known the arguments are not checked. */
export type KnownCommand<C extends string> = KnownName<C, CommandMap>;

/** What a command returns; `unknown` for a command that is not listed. */
export type CommandResult<C extends string> = C extends CommandName ? CommandMap[C]['result'] : unknown;

type ArgumentsOf<C extends string> = C extends CommandName ? CommandMap[C]['arguments'] : object | undefined;

/** What follows the command's name: its arguments, required where the command requires any, then the options. */
export type ExecuteParameters<C extends string> = [ArgumentsOf<C>] extends [undefined]
  ? [args?: undefined, options?: ExecuteOptions]
  : undefined extends ArgumentsOf<C>
    ? [args?: ArgumentsOf<C>, options?: ExecuteOptions]
    : // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- asks whether every member is optional
      {} extends ArgumentsOf<C>
      ? [args?: ArgumentsOf<C>, options?: ExecuteOptions]
      : [args: ArgumentsOf<C>, options?: ExecuteOptions];
