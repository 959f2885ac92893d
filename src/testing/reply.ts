import type { Observable } from 'rxjs';
import type { CommandResult } from '../client/execute-types.js';
import type { CommandName } from '../protocol/message.js';
import type { CommandMap } from '../protocol/qapi/command-map.js';

/** The arguments that a scripted command is called with: `{}` where the client sent none. */
export type ArgumentsFor<C extends string> = C extends CommandName
  ? [CommandMap[C]['arguments']] extends [undefined]
    ? object
    : Exclude<CommandMap[C]['arguments'], undefined>
  : Readonly<Record<string, unknown>>;

/** A result, an error, or a later one: the first value of an Observable, or a promise. `undefined` means `{}`. */
export type ReplyOutcome<C extends string> = ResultOf<C> | Observable<ResultOf<C>> | PromiseLike<ResultOf<C>> | Error;

/** What a scripted command may return: its result, or nothing where QEMU returns `{}`. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type, @typescript-eslint/no-empty-object-type -- a function may return nothing where QEMU returns {}
export type ResultOf<C extends string> = CommandResult<C> | ({} extends CommandResult<C> ? void : never);

/** What the function of a scripted command gets besides the arguments. */
export interface ReplyHooks {
  /** Does something once the reply is sent, such as emitting what QEMU emits after it. */
  readonly afterReply: (task: () => void) => void;
}

/** How a command is answered: always the same, or by a function of its arguments. What the function throws is the error. */
export type Reply<C extends string> = ReplyOutcome<C> | ((args: ArgumentsFor<C>, hooks: ReplyHooks) => ReplyOutcome<C>);

/** How each of several commands is answered. */
export type Replies = { readonly [C in CommandName]?: Reply<C> };
