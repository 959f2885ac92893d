import type { KnownName } from '../protocol/event-names.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';
import type { ExecuteOptions } from './commands.js';

/** Refuses a literal that no `CommandMap` lists; of a command that is not known the arguments are not checked. */
export type KnownCommand<C extends string, M extends object = CommandMap> = KnownName<C, keyof M>;

/** What a command returns; `unknown` for a command that the map does not list. */
export type CommandResult<C extends string, M extends object = CommandMap> = C extends keyof M
  ? M[C] extends { readonly result: infer Result }
    ? Result
    : unknown
  : unknown;

/** The arguments of a command; `undefined` if it takes none. */
export type ArgumentsOf<C extends string, M extends object> = C extends keyof M
  ? M[C] extends { readonly arguments: infer Arguments }
    ? Arguments
    : object | undefined
  : object | undefined;

/** The options of a command. Only one that may be sent out of band takes `oob: true`. */
export type OptionsOf<C extends string, M extends object = CommandMap> = C extends keyof M
  ? M[C] extends { readonly oob: true }
    ? ExecuteOptions
    : InBandOptions
  : ExecuteOptions;

/** The options of a command that QEMU takes in its turn only. */
export interface InBandOptions extends ExecuteOptions {
  /** This command cannot overtake others: QEMU's schema does not allow it. */
  readonly oob?: false | undefined;
}

/** What follows the command's name: its arguments, required where the command requires any, then the options. */
export type ExecuteParameters<C extends string, M extends object = CommandMap> = [ArgumentsOf<C, M>] extends [undefined]
  ? [args?: NoArguments | undefined, options?: OptionsOf<C, M>]
  : undefined extends ArgumentsOf<C, M>
    ? [args?: ArgumentsOf<C, M>, options?: OptionsOf<C, M>]
    : // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- asks whether every member is optional
      {} extends ArgumentsOf<C, M>
      ? [args?: ArgumentsOf<C, M> | undefined, options?: OptionsOf<C, M>]
      : [args: ArgumentsOf<C, M>, options?: OptionsOf<C, M>];

/** `{}`, for a command that takes no arguments. */
export type NoArguments = Record<string, never>;
