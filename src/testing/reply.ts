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

/** A result, an error, or one of them later: an Observable's first value, or a promise. `undefined` means `{}`. */
export type Outcome<C extends string> = ResultOf<C> | Observable<ResultOf<C>> | PromiseLike<ResultOf<C>> | Error;

// eslint-disable-next-line @typescript-eslint/no-invalid-void-type, @typescript-eslint/no-empty-object-type -- a function may return nothing where QEMU returns {}
export type ResultOf<C extends string> = CommandResult<C> | ({} extends CommandResult<C> ? void : never);

export interface ReplyHooks {
  /** Does something once the reply is sent, such as emitting what QEMU emits after it. */
  readonly afterReply: (task: () => void) => void;
}

/** How a command is answered: always the same, or by a function of its arguments. What the function throws is the error. */
export type Reply<C extends string> = Outcome<C> | ((args: ArgumentsFor<C>, hooks: ReplyHooks) => Outcome<C>);

export type Replies = { readonly [C in CommandName]?: Reply<C> };
