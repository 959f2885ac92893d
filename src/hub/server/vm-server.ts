import { isRecord } from '../../foundation/checks.js';
import { CommandError, genericError } from '../../protocol/command-error.js';
import {
  errorReplyText,
  errorText,
  isOutOfBand,
  nameOf,
  parseCommand,
  readCommand,
  replyText,
  type Command,
} from '../../protocol/command.js';
import { CommandCutter } from '../../protocol/command-cutter.js';
import { ExecuteError, ProtocolError, QmpError } from '../../protocol/errors.js';
import { parseExact, stringify } from '../../protocol/json.js';
import type { Greeting } from '../../protocol/message.js';
import { refusalOf } from '../../gateway/rights.js';
import type { Rights } from '../../gateway/vm-info.js';
import type { VmCaller } from '../../gateway/vm.js';
import type { AuditLine } from './audit.js';
import type { ClientSocket } from './client-socket.js';
import { CommandPace } from './command-pace.js';
import type { HubLimits } from './options.js';

export interface VmServerHost {
  readonly greeting: Greeting;
  readonly caller: VmCaller;
  /** Hands out the events that have come and wait for the end of the turn. */
  readonly flushEvents: () => void;
  /** Is told of each command that is no query, once it is known how it ended. @param begun when it was taken */
  readonly audit: (command: Command, outcome: AuditLine['outcome'], begun: number) => void;
}

/** Commands of one client that are taken in one turn of the event loop: one loop serves all, so nobody may hold it. */
const TURN_COMMANDS = 32;

/** Characters of the unanswered commands of one client, together. */
const COMMAND_LENGTH = 4 * 1024 * 1024;

/** What an unanswered command takes besides its text, in bytes: 2 kB, and three times as much that is not collected yet. */
const COMMAND_WEIGHT = 8 * 1024;

/** A QMP server for one client: greets, negotiates, runs commands on the VM and passes its events on. */
export class VmServer {
  readonly #socket: ClientSocket;
  readonly #host: VmServerHost;
  readonly #rights: Rights;
  readonly #limits: HubLimits;
  readonly #cutter: CommandCutter;
  readonly #pace: CommandPace;
  /** Set while what has come waits to be read. */
  #pausedBy: NodeJS.Immediate | NodeJS.Timeout | undefined;
  #negotiated = false;
  #oob = false;
  #ended = false;
  #unanswered = 0;
  #unansweredLength = 0;

  constructor(socket: ClientSocket, host: VmServerHost, rights: Rights, limits: HubLimits) {
    this.#socket = socket;
    this.#host = host;
    this.#rights = rights;
    this.#limits = limits;
    this.#cutter = new CommandCutter(limits.frameBytes);
    this.#pace = new CommandPace(limits.commandsPerSecond);
  }

  /** @param ended is called when the client has gone, whoever began it */
  start(ended: () => void): void {
    this.#socket.serve(
      (bytes) => {
        this.#cutter.push(bytes);
        if (!this.#pausedBy) this.#read();
      },
      () => {
        this.#leave();
        ended();
      },
    );
    this.#socket.send(`${JSON.stringify(this.#host.greeting)}\r\n`);
  }

  /** @param lines of events */
  events(lines: Buffer): void {
    if (this.#negotiated && !this.#ended) this.#socket.send(lines);
  }

  /** The session to QEMU has ended: nothing is taken any more, what was answered is still sent. */
  sessionEnded(reason: string): void {
    this.#leave();
    // The reply of the last command may be a few promises away.
    setImmediate(() => {
      this.#socket.close(1012, reason);
    });
  }

  #read(): void {
    for (let taken = 0; !this.#ended; taken += 1) {
      const { wait } = this.#pace;
      if (taken === TURN_COMMANDS || wait > 0) {
        this.#pause(wait);
        return;
      }
      const text = this.#nextText();
      if (text === undefined) return;
      this.#pace.took();
      this.#take(text);
    }
  }

  /** The rest waits unread. `pause()` alone would not do: what has arrived is still delivered. */
  #pause(wait: number): void {
    this.#socket.pause();
    const goOn = (): void => {
      this.#pausedBy = undefined;
      this.#socket.resume();
      this.#read();
    };
    this.#pausedBy = wait > 0 ? setTimeout(goOn, wait) : setImmediate(goOn);
  }

  #nextText(): string | undefined {
    try {
      return this.#cutter.next();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#cutOff('too-large', error.message);
      return undefined;
    }
  }

  #take(text: string): void {
    let value: unknown;
    try {
      value = parseCommand(text, parseExact);
    } catch (error) {
      this.#socket.send(errorText(error, undefined));
    }
    if (!isRecord(value)) {
      if (value !== undefined) this.#socket.send(errorText(genericError('JSON parse error: not an object'), undefined));
      this.#cutOff('bad-json', 'that was no JSON object');
      return;
    }
    let id: string | undefined;
    try {
      id = 'id' in value ? stringify(value['id'], 'id') : undefined;
      const command = readCommand(value, this.#oob);
      if (this.#negotiated) this.#run(command, id, text.length);
      else this.#negotiate(command, id);
    } catch (error) {
      this.#reply(errorText(error, id));
    }
  }

  #negotiate(command: Command, id: string | undefined): void {
    if (nameOf(command) !== 'qmp_capabilities') {
      throw new CommandError('CommandNotFound', "Expecting capabilities negotiation with 'qmp_capabilities'");
    }
    const { enable = [], ...rest } = (command.arguments ?? {}) as { enable?: unknown };
    const offered = this.#host.greeting.QMP.capabilities;
    if (
      !Array.isArray(enable) ||
      Object.keys(rest).length > 0 ||
      !enable.every((one) => offered.includes(one as string))
    ) {
      throw genericError('enable must list capabilities of the greeting');
    }
    this.#reply(replyText('{}', id));
    this.#oob = enable.includes('oob');
    this.#negotiated = true;
  }

  #run(command: Command, id: string | undefined, length: number): void {
    const name = nameOf(command);
    if (name === 'qmp_capabilities') {
      throw new CommandError('CommandNotFound', 'Capabilities negotiation is already complete, command ignored');
    }
    const refusal = refusalOf(this.#rights, name, isOutOfBand(command));
    if (refusal !== undefined) {
      this.#host.audit(command, 'refused', performance.now());
      this.#reply(errorReplyText(refusal, id));
      return;
    }
    this.#unanswered += 1;
    this.#unansweredLength += length;
    this.#socket.owe(COMMAND_WEIGHT + length);
    if (this.#unanswered > this.#limits.commands || this.#unansweredLength > COMMAND_LENGTH) {
      this.#cutOff('flood', `${this.#unanswered} commands without an answer`);
      return;
    }
    void this.#answer(command, id, length);
  }

  async #answer(command: Command, id: string | undefined, length: number): Promise<void> {
    const text = await this.#textOfAnswer(command, id);
    this.#unanswered -= 1;
    this.#unansweredLength -= length;
    this.#socket.owe(-COMMAND_WEIGHT - length);
    if (text !== undefined) this.#reply(text);
  }

  /** Undefined where there is none: the session has ended. */
  async #textOfAnswer(command: Command, id: string | undefined): Promise<string | undefined> {
    const call = { name: nameOf(command), args: command.arguments, oob: isOutOfBand(command) };
    const begun = performance.now();
    try {
      const text = replyText(await this.#host.caller.execute(call), id);
      this.#host.audit(command, 'done', begun);
      return text;
    } catch (error) {
      const unanswered = error instanceof QmpError && !(error instanceof ExecuteError);
      this.#host.audit(command, unanswered ? 'unanswered' : 'error', begun);
      if (error instanceof ExecuteError) return errorReplyText(error.desc, id, error.errorClass);
      if (unanswered) return undefined;
      // What cannot be sent, or passed on: nested too deep, say.
      return errorText(error, id);
    }
  }

  /** An event that QEMU sent before a reply comes before it. */
  #reply(text: string): void {
    this.#host.flushEvents();
    this.#socket.send(text);
  }

  #cutOff(...why: Parameters<ClientSocket['cutOff']>): void {
    this.#leave();
    this.#socket.cutOff(...why);
  }

  #leave(): void {
    this.#ended = true;
    clearTimeout(this.#pausedBy as NodeJS.Timeout | undefined);
    clearImmediate(this.#pausedBy as NodeJS.Immediate | undefined);
    this.#host.caller.leave();
  }
}
