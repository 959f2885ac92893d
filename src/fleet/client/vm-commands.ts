import { Empty, headers, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import { headersOf } from '../listen.js';
import { classOf, subjectOf, tokenOf, type CommandClass, type VmName } from '../subjects.js';
import { errorAnswer, PART_HEADER, PARTS, REPLY_BYTES, TO_HEADER } from '../wire.js';
import type { Replies } from './replies.js';

/** Receives the answers. */
export interface CommandsHost {
  /** A line, or a piece of one. */
  line(text: Uint8Array | string): void;
  /** The session cannot go on. */
  lose(why: string): void;
}

/** A command whose answer has not come. */
interface Asked {
  readonly subject: string;
  readonly id: string;
  readonly parts: Uint8Array[];
  cancel?: () => void;
}

/** A line as a client writes it. */
const COMMAND = /^\{"(execute|exec-oob)":("(?:[^"\\]|\\.)*")(?:,"arguments":(.*))?,"id":(\d+)\}\r?\n?$/s;

/** The commands of one session to a VM: what a client writes goes out as messages, what is answered comes back as lines. */
export class VmCommands {
  readonly #replies: Replies;
  readonly #vm: VmName;
  readonly #host: CommandsHost;
  readonly #asked = new Map<string, Asked>();

  constructor(replies: Replies, vm: VmName, host: CommandsHost) {
    this.#replies = replies;
    this.#vm = vm;
    this.#host = host;
  }

  /** @param answered is handed the text of the answer */
  hello(answered: (text: string) => void): void {
    this.forget('0');
    this.#ask('hello', 's', Empty, '0', undefined, (answer) => {
      answered(new TextDecoder().decode(answer));
    });
  }

  /** @param to `epoch.session.beat`: the agent refuses what is for another session, or too old */
  send(line: string, to: string): void {
    const [, kind, json, args, id] = COMMAND.exec(line) ?? [];
    if (json === undefined || id === undefined) {
      this.#host.lose('what was sent is not a command');
      return;
    }
    const command = JSON.parse(json) as string;
    if (command === 'qmp_capabilities') {
      this.#host.line(`{"return":{},"id":${id}}\r\n`);
      return;
    }
    const header = headers();
    header.set(TO_HEADER, to);
    try {
      this.#ask(command, classOf(command, kind === 'exec-oob'), args ?? Empty, id, header, (answer) => {
        this.#answer(id, answer);
      });
    } catch (error) {
      // Arguments beyond max_payload, say; the message tells no more than that.
      this.#reject(id, `NATS does not take it: ${(error as Error).message}`);
    }
  }

  /** The server refused to publish to the subject. It does not say which command it was: the oldest of that name. */
  denied(subject: string): void {
    const asked = [...this.#asked.values()].find((one) => one.subject === subject);
    if (!asked) return;
    const why = `NATS does not let this user publish to ${subject}`;
    if (asked.id === '0') this.#host.lose(why);
    else this.#reject(asked.id, why);
  }

  /** Nobody waits for the answer any more. */
  forget(id: string): void {
    this.#asked.get(id)?.cancel?.();
    this.#asked.delete(id);
  }

  end(): void {
    for (const id of [...this.#asked.keys()]) this.forget(id);
  }

  #ask(
    command: string,
    commandClass: CommandClass,
    payload: Uint8Array | string,
    id: string,
    header: MsgHdrs | undefined,
    answered: (answer: Uint8Array) => void,
  ): void {
    const subject = `${subjectOf('cmd', this.#vm)}.${commandClass}.${tokenOf(command)}`;
    const asked: Asked = { subject, id, parts: [] };
    this.#asked.set(id, asked);
    const cancel = this.#replies.ask(subject, payload, header, (reply) => {
      this.#take(asked, reply, answered);
    });
    if (this.#asked.get(id) === asked) asked.cancel = cancel;
    else cancel();
  }

  #take(asked: Asked, reply: Msg, answered: (answer: Uint8Array) => void): void {
    if (headersOf(reply)?.code === 503) {
      this.#host.lose(`no agent serves ${this.#vm.host}`);
      return;
    }
    asked.parts.push(reply.data);
    const [, part = '1', of = '1'] = /^(\d{1,3})\/(\d{1,3})$/.exec(headersOf(reply)?.get(PART_HEADER) ?? '') ?? [];
    const bytes = asked.parts.reduce((sum, { length }) => sum + length, 0);
    if (Number(part) !== asked.parts.length || Number(of) > PARTS || bytes > REPLY_BYTES + 1024) {
      this.#host.lose('its agent sends a reply whose parts do not fit together');
      return;
    }
    if (part !== of) return;
    this.forget(asked.id);
    answered(asked.parts.length === 1 ? reply.data : joined(asked.parts, bytes));
  }

  /** Passes an answer on as it came, with the caller's id. */
  #answer(id: string, answer: Uint8Array): void {
    const end = answer.length - 1;
    if (answer[end] !== CLOSING_BRACE) {
      this.#host.lose('its agent answers with something that is no reply');
      return;
    }
    this.#host.line(answer.subarray(0, end));
    this.#host.line(`,"id":${id}}\r\n`);
  }

  #reject(id: string, desc: string): void {
    this.forget(id);
    this.#host.line(`${errorAnswer(desc).slice(0, -1)},"id":${id}}\r\n`);
  }
}

const CLOSING_BRACE = 0x7d;

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
