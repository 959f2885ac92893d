import type { Message } from '../protocol/message.js';

/** A command as sent, with its arguments: keep it from logs. */
export interface SentCommand {
  readonly execute?: string;
  readonly 'exec-oob'?: string;
  readonly arguments?: object;
  readonly id?: unknown;
}

/** One message in either direction. */
export type Traffic =
  | {
      readonly direction: 'received';
      readonly message: Message;
      /** The line as it came. */
      readonly text: string;
    }
  | { readonly direction: 'sent'; readonly message: SentCommand };
