import type { Known } from '../protocol/event-names.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';
import type { ExecuteOptions } from './commands.js';

/** Refuses a literal that no `CommandMap` lists; of a command that is not known the arguments are not checked. */
export type KnownCommand<C extends string, M extends object = CommandMap> = Known<C, keyof M>;

/** What a command returns; `unknown` for a command that the map does not list. */
export type CommandResult<C extends string, M extends object = CommandMap> = C extends keyof M
  ? M[C] extends { readonly result: infer Result }
    ? Result
    : unknown
  : unknown;

type ArgumentsOf<C extends string, M extends object> = C extends keyof M
  ? M[C] extends { readonly arguments: infer Arguments }
    ? Arguments
    : object | undefined
  : object | undefined;

/** What follows the command's name: its arguments, required where the command requires any, then the options. */
export type ExecuteParameters<C extends string, M extends object = CommandMap> = [ArgumentsOf<C, M>] extends [undefined]
  ? [args?: undefined, options?: ExecuteOptions]
  : undefined extends ArgumentsOf<C, M>
    ? [args?: ArgumentsOf<C, M>, options?: ExecuteOptions]
    : // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- asks whether every member is optional
      {} extends ArgumentsOf<C, M>
      ? [args?: ArgumentsOf<C, M>, options?: ExecuteOptions]
      : [args: ArgumentsOf<C, M>, options?: ExecuteOptions];
