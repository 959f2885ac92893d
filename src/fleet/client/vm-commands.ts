import { Empty, headers, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import { isErrorReply, isSuccessReply } from '../../protocol/message.js';
import { headersOf } from '../listen.js';
import { refusal } from '../nats-errors.js';
import { classOf, subjectOf, tokenOf, type CommandClass, type VmName } from '../subjects.js';
import { errorAnswer, PART_HEADER, PARTS, readObject, REPLY_BYTES, TO_HEADER } from '../wire.js';
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
  /** Of the answer, as far as it has come; `of` is how many there will be. */
  readonly parts: Uint8Array[];
  of?: number;
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
      answered(decoder.decode(answer));
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
    const why = refusal('publish', subject);
    if (asked.id === '0') this.#host.lose(why);
    else this.#reject(asked.id, why);
  }

  /** A beat has come: it was sent after all that came before it, and the parts of an answer are sent without a break. */
  beat(): void {
    if ([...this.#asked.values()].some(({ parts }) => parts.length > 0)) this.#host.lose(UNFIT);
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
    const place = headersOf(reply)?.get(PART_HEADER) ?? '';
    const [part = 0, of = 0] =
      place === '' ? [1, 1] : (/^(\d{1,3})\/(\d{1,3})$/.exec(place)?.slice(1).map(Number) ?? []);
    asked.of ??= of;
    const bytes = asked.parts.reduce((sum, { length }) => sum + length, 0);
    const fits = part === asked.parts.length && of === asked.of && part <= of && of <= PARTS;
    if (!fits || bytes > REPLY_BYTES + 1024) {
      this.#host.lose(UNFIT);
      return;
    }
    if (part < of) return;
    this.forget(asked.id);
    answered(asked.parts.length === 1 ? reply.data : joined(asked.parts, bytes));
  }

  /** Passes an answer on as it came, with the caller's id. */
  #answer(id: string, answer: Uint8Array): void {
    const text = decoder.decode(answer);
    const reply = readObject(text);
    // A client would drop what is none, and wait on.
    if (!reply || 'id' in reply || !(isSuccessReply(reply) || isErrorReply(reply)) || !text.endsWith('}')) {
      this.#host.lose('its agent answers with something that is no reply');
      return;
    }
    this.#host.line(`${text.slice(0, -1).replaceAll(/[\r\n]/g, ' ')},"id":${id}}\r\n`);
  }

  #reject(id: string, desc: string): void {
    this.forget(id);
    this.#host.line(`${errorAnswer(desc).slice(0, -1)},"id":${id}}\r\n`);
  }
}

const UNFIT = 'its agent sends a reply whose parts do not fit together';

const decoder = new TextDecoder();

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
