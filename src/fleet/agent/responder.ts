import { headers, type Msg, type NatsConnection, type Subscription } from '@nats-io/nats-core';
import type { Logger } from '../../foundation/logger.js';
import { isQuery } from '../../gateway/rights.js';
import { ExecInterruptedError, ExecuteError } from '../../protocol/errors.js';
import { parseExact } from '../../protocol/json.js';
import { isInbox } from '../inbox.js';
import { headersOf, listen } from '../listen.js';
import { classOf, nameOf, PREFIX, tokenOf } from '../subjects.js';
import {
  BEATS,
  errorAnswer,
  PART_HEADER,
  PARTS,
  PROTOCOL,
  REPLY_BYTES,
  TO_HEADER,
  type Gone,
  type Hello,
} from '../wire.js';
import { Callers, type CallerLimits } from './callers.js';
import type { Beater } from './beater.js';
import type { VmFeed } from './vm-feed.js';

/** Of each part, for its headers. */
const MARGIN = 512;

export interface ResponderHost {
  epoch(): number;
  /** Connections lost so far. */
  lost(): number;
  /** Whether the agent may speak for its host. */
  speaking(): boolean;
  readonly beater: Pick<Beater, 'now' | 'published' | 'every'>;
  feed(vm: string): VmFeed | undefined;
}

/** Commands by what became of them. */
export type Outcome = 'run' | 'refused' | 'stale' | 'ignored' | 'flood';

/** Answers `hello` and runs commands. Nothing that arrives can throw out of it. */
export class Responder {
  readonly outcomes: Map<Outcome, number> = new Map();
  readonly #nats: NatsConnection;
  readonly #host: ResponderHost;
  readonly #hostName: string;
  readonly #allow: readonly string[];
  readonly #prefix: string;
  readonly #subscription: Subscription;
  readonly #callers: Callers;

  constructor(
    nats: NatsConnection,
    host: ResponderHost,
    options: {
      readonly host: string;
      readonly allow: readonly string[];
      readonly limits: CallerLimits;
      readonly logger: Logger | undefined;
    },
  ) {
    this.#nats = nats;
    this.#host = host;
    this.#hostName = options.host;
    this.#allow = options.allow;
    this.#callers = new Callers(options.limits);
    this.#prefix = `${PREFIX}.cmd.${tokenOf(options.host)}.`;
    this.#subscription = listen(nats, `${this.#prefix}*.*.*`, (message) => {
      this.#take(message).catch((fault: unknown) => {
        options.logger?.warn(`a message on ${message.subject} was dropped: ${(fault as Error).message}`);
      });
    });
  }

  get unanswered(): number {
    return this.#callers.unanswered;
  }

  end(): void {
    this.#subscription.unsubscribe();
  }

  async #take(message: Msg): Promise<void> {
    const { subject, reply } = message;
    const [vmToken = '', commandClass, commandToken = ''] = subject.slice(this.#prefix.length).split('.');
    const vm = nameOf(vmToken);
    const command = nameOf(commandToken);
    if (!reply || !isInbox(reply) || vm === undefined || command === undefined || !this.#host.speaking()) {
      this.#count('ignored');
      return;
    }
    const feed = this.#host.feed(vm);
    if (commandClass === 's' && command === 'hello') {
      this.#answer(reply, this.#hello(vm, feed));
      return;
    }
    const to = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(headersOf(message)?.get(TO_HEADER) ?? '');
    const [epoch = -1, session = -1, beat = -1] = to?.slice(1).map(Number) ?? [];
    // It means another agent, perhaps the one before this: only the one that is meant answers.
    if (epoch !== this.#host.epoch()) {
      this.#count('ignored');
      return;
    }
    if (!feed?.greeting || feed.counter.session !== session) {
      this.#refuse('stale', reply, 'it was sent to a session that is over, and was not run');
      return;
    }
    const { now, every } = this.#host.beater;
    if (now - beat >= BEATS) {
      this.#refuse('stale', reply, `it is older than ${BEATS * every} ms, and was not run`);
      return;
    }
    const oob = commandClass === 'o';
    if (commandClass !== classOf(command, oob)) {
      this.#refuse('refused', reply, `${command} is not of the class ${JSON.stringify(commandClass)}`);
      return;
    }
    if (!this.#allow.includes(command) && (oob || !isQuery(command))) {
      const what = oob ? `${command} out of band` : command;
      const why = `${what} is not allowed by the agent of ${this.#hostName}; its --allow ${command} allows it`;
      this.#refuse('refused', reply, why);
      return;
    }
    await this.#run(feed, { name: command, oob }, message, reply);
  }

  #hello(vm: string, feed: VmFeed | undefined): string {
    const greeting = feed?.greeting;
    const { published, every } = this.#host.beater;
    if (!feed || !greeting) {
      const gone = feed
        ? (feed.vm.info.reason ?? 'there is no session to its QEMU')
        : `${this.#hostName} has no VM ${JSON.stringify(vm)}`;
      return JSON.stringify({ protocol: PROTOCOL, epoch: this.#host.epoch(), every, gone } satisfies Gone);
    }
    const { session, n, names } = feed.counter;
    return JSON.stringify({
      ...{ protocol: PROTOCOL, greeting, epoch: this.#host.epoch(), session, n, k: names, beat: published, every },
      lost: this.#host.lost(),
    } satisfies Hello);
  }

  async #run(feed: VmFeed, command: { name: string; oob: boolean }, message: Msg, reply: string): Promise<void> {
    let args: object | undefined;
    try {
      args = argumentsOf(message);
    } catch (error) {
      this.#refuse('refused', reply, (error as Error).message);
      return;
    }
    const place = this.#callers.enter(reply.slice(0, reply.lastIndexOf('.')), feed, message.data.length);
    if (!place) {
      this.#refuse('flood', reply, 'too many commands are unanswered already: await the replies');
      return;
    }
    this.#count('run');
    const { session } = feed.counter;
    try {
      const result = await place.caller.execute({ ...command, args });
      this.#answer(reply, `{"return":${result}}`);
    } catch (error) {
      if (error instanceof ExecuteError) this.#answer(reply, errorAnswer(error.desc, error.errorClass));
      // Where the session has ended, that of whoever asked ends, too: nobody knows whether it ran.
      else if (!(error instanceof ExecInterruptedError) && feed.greeting && feed.counter.session === session) {
        this.#answer(reply, errorAnswer((error as Error).message));
      }
    } finally {
      place.leave();
    }
  }

  #refuse(outcome: Outcome, reply: string, why: string): void {
    this.#count(outcome);
    this.#answer(reply, errorAnswer(why));
  }

  #count(outcome: Outcome): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** In parts, if it is larger than one message may be. */
  #answer(reply: string, text: string): void {
    const bytes = Buffer.from(text);
    const room = (this.#nats.info?.max_payload ?? 1024 * 1024) - MARGIN;
    const parts = Math.max(1, Math.ceil(bytes.length / room));
    if (bytes.length > REPLY_BYTES || parts > PARTS) {
      const most = Math.min(REPLY_BYTES, PARTS * room);
      this.#answer(reply, errorAnswer(`it was run, but its reply of ${bytes.length} bytes is beyond ${most}`));
      return;
    }
    for (let part = 1; part <= parts; part += 1) {
      const header = parts > 1 ? headers() : undefined;
      header?.set(PART_HEADER, `${part}/${parts}`);
      this.#nats.publish(reply, bytes.subarray((part - 1) * room, part * room), header && { headers: header });
    }
  }
}

/** @throws Error without what the arguments hold */
function argumentsOf(message: Msg): object | undefined {
  if (message.data.length === 0) return undefined;
  let args: unknown;
  try {
    args = parseExact(message.string());
  } catch {
    throw new Error('the arguments are not valid JSON');
  }
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    throw new Error('the arguments must be a JSON object');
  }
  return args;
}
