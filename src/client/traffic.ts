import type { Command } from '../protocol/command.js';
import type { Message } from '../protocol/message.js';

/** One message in either direction. */
export type Traffic =
  | {
      readonly direction: 'received';
      readonly message: Message;
      /** The line as it came. */
      readonly text: string;
    }
  | {
      readonly direction: 'sent';
      readonly message: Command;
      /** Set on the question of the heartbeat. */
      readonly heartbeat?: true;
    };
