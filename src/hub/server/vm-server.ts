import { ExecuteError, ProtocolError, QmpError } from '../../protocol/errors.js';
import { Framing } from '../../protocol/framing.js';
import type { Greeting } from '../../protocol/message.js';
import type { ClientSocket } from './client-socket.js';
import { CommandCutter } from '../../protocol/command-cutter.js';
import { CommandRefused, errorText, readCommand, replyText, type ClientCommand } from '../../protocol/command.js';
import type { HubLimits } from './options.js';
import { refusalOf } from '../../gateway/rights.js';
import type { Rights } from '../../gateway/vm-info.js';
import type { VmCaller } from '../../gateway/vm.js';

export interface VmServerHost {
  readonly greeting: Greeting;
  readonly caller: VmCaller;
}

/** Unanswered commands of one client, together. */
const COMMAND_BYTES = 4 * 1024 * 1024;

/** A QMP server for one client: greets, negotiates, runs commands on the VM and passes its events on. */
export class VmServer {
  readonly #socket: ClientSocket;
  readonly #host: VmServerHost;
  readonly #rights: Rights;
  readonly #limits: HubLimits;
  readonly #cutter = new CommandCutter((bytes) => {
    this.#read(bytes);
  });
  readonly #framing: Framing;
  #negotiated = false;
  #oob = false;
  #gone = false;
  /** Bytes since the last command. */
  #begunBytes = 0;
  #unanswered = 0;
  #unansweredBytes = 0;

  constructor(socket: ClientSocket, host: VmServerHost, rights: Rights, limits: HubLimits) {
    this.#socket = socket;
    this.#host = host;
    this.#rights = rights;
    this.#limits = limits;
    this.#framing = new Framing(
      { name: 'client', maxMessageBytes: limits.frameBytes, integers: 'exact' },
      {
        message: (message) => {
          this.#take(message);
        },
        diagnostic: ({ message }) => {
          socket.send(errorText('GenericError', `JSON parse error: ${message}`, undefined));
          this.#cutOff('bad-json', 'that was no JSON object');
        },
      },
    );
  }

  /** @param ended is called when the client has gone, whoever began it */
  start(ended: () => void): void {
    this.#socket.serve(
      (bytes) => {
        this.#cutter.push(bytes);
      },
      () => {
        this.#leave();
        ended();
      },
    );
    this.#socket.send(`${JSON.stringify(this.#host.greeting)}\r\n`);
  }

  /** @param text of the event, with its line end */
  event(text: Buffer): void {
    if (this.#negotiated && !this.#gone) this.#socket.send(text);
  }

  /** The session to QEMU is over: nothing is taken any more, what was answered is still sent. */
  sessionEnded(reason: string): void {
    this.#leave();
    // The reply of the last command may be a few promises away.
    setImmediate(() => {
      this.#socket.close(1012, reason);
    });
  }

  #read(bytes: Uint8Array): void {
    if (this.#gone) return;
    this.#begunBytes += bytes.length;
    try {
      this.#framing.push(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#cutOff('too-large', `a command of more than ${this.#limits.frameBytes} bytes`);
    }
  }

  #take(message: object): void {
    const bytes = this.#begunBytes;
    this.#begunBytes = 0;
    try {
      const command = readCommand(message);
      if (this.#negotiated) this.#run(command, bytes);
      else this.#negotiate(command);
    } catch (error) {
      if (!(error instanceof CommandRefused)) throw error;
      this.#socket.send(errorText(error.errorClass, error.message, error.id));
    }
  }

  #negotiate({ name, args, oob, id }: ClientCommand): void {
    if (name !== 'qmp_capabilities' || oob)
      throw new CommandRefused("expecting capabilities negotiation with 'qmp_capabilities'", id, 'CommandNotFound');
    const { enable = [], ...rest } = (args ?? {}) as { enable?: unknown };
    const offered = this.#host.greeting.QMP.capabilities;
    if (
      !Array.isArray(enable) ||
      Object.keys(rest).length > 0 ||
      !enable.every((one) => offered.includes(one as string))
    )
      throw new CommandRefused('enable must list capabilities of the greeting', id);
    this.#oob = enable.includes('oob');
    this.#negotiated = true;
    this.#socket.send(replyText({}, id));
  }

  #run(command: ClientCommand, bytes: number): void {
    const { name, oob, id } = command;
    if (name === 'qmp_capabilities')
      throw new CommandRefused('capabilities negotiation is already complete', id, 'CommandNotFound');
    if (oob && !this.#oob) throw new CommandRefused('exec-oob needs the capability oob', id);
    const refusal = refusalOf(this.#rights, name, oob);
    if (refusal !== undefined) throw new CommandRefused(refusal, id);
    this.#unanswered += 1;
    this.#unansweredBytes += bytes;
    if (this.#unanswered > this.#limits.commands || this.#unansweredBytes > COMMAND_BYTES) {
      this.#cutOff('flood', `${this.#unanswered} commands without an answer`);
      return;
    }
    void this.#answer(command, bytes);
  }

  async #answer(command: ClientCommand, bytes: number): Promise<void> {
    const text = await this.#textOfAnswer(command);
    this.#unanswered -= 1;
    this.#unansweredBytes -= bytes;
    if (text !== undefined) this.#socket.send(text);
  }

  /** Undefined where there is none: the session has ended. */
  async #textOfAnswer(command: ClientCommand): Promise<string | undefined> {
    try {
      return replyText(await this.#host.caller.execute(command), command.id);
    } catch (error) {
      if (error instanceof ExecuteError) return errorText(error.errorClass, error.desc, command.id);
      if (error instanceof QmpError) return undefined;
      // What cannot be sent, or passed on: nested too deep, say.
      return errorText('GenericError', (error as Error).message, command.id);
    }
  }

  #cutOff(...why: Parameters<ClientSocket['cutOff']>): void {
    this.#leave();
    this.#socket.cutOff(...why);
  }

  #leave(): void {
    this.#gone = true;
    this.#framing.stop();
    this.#host.caller.leave();
  }
}
