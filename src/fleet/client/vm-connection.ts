import type { Msg, Subscription } from '@nats-io/nats-core';
import { whenAborted } from '../../foundation/abort.js';
import { DisconnectedError } from '../../protocol/errors.js';
import type { Connection } from '../../transport/connection.js';
import { SocketInbox } from '../../transport/socket-inbox.js';
import { headersOf, listen } from '../listen.js';
import { refusal } from '../nats-errors.js';
import type { NatsStatus } from '../nats-status.js';
import { ID_HEADER, readNumbers } from '../numbers.js';
import { Sequence } from '../sequence.js';
import { beatSubject, DOWN, eventTokenOf, readEventSubject, subjectOf, UP, type VmName } from '../subjects.js';
import { readHello, type Beat, type Hello } from '../wire.js';
import type { Beats } from './beats.js';
import type { Replies } from './replies.js';
import { VmCommands } from './vm-commands.js';

/** Milliseconds until hello is said again. */
const ASK_AGAIN = 1_000;

/** What the connections of one fleet share. */
export interface FleetLink {
  readonly status: NatsStatus;
  readonly replies: Replies;
  readonly beats: Beats;
}

/** One session to a VM: a connection that greets as its QEMU did, and ends as a loss wherever something is missing. */
export class VmConnection {
  readonly #link: FleetLink;
  readonly #vm: VmName;
  readonly #tokens: readonly string[];
  readonly #sequence: Sequence;
  readonly #commands: VmCommands;
  readonly #inbox = new SocketInbox();
  readonly #subscriptions: Subscription[] = [];
  readonly #teardown: (() => void)[] = [];
  #hello: Hello | undefined;
  #ended = false;
  /** Rejects `open`; does nothing once it has resolved. */
  #refuse: ((error: Error) => void) | undefined;

  /** @param names of the events that are wanted; empty for all */
  constructor(link: FleetLink, vm: VmName, names: readonly string[]) {
    this.#link = link;
    this.#vm = vm;
    const wanted = names.length > 0 ? [...new Set([...names, UP, DOWN])] : undefined;
    this.#tokens = wanted?.map(eventTokenOf) ?? ['*'];
    this.#sequence = new Sequence(wanted);
    this.#commands = new VmCommands(link.replies, vm, {
      line: (text) => {
        if (!this.#ended) this.#inbox.next(text);
      },
      lose: (why) => {
        this.#lose(why);
      },
    });
  }

  /** Resolves with the connection when the agent has said where the VM stands. */
  open(signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const stop = whenAborted(signal, () => {
        this.#end(signal.reason as Error);
      });
      this.#refuse = reject;
      // An agent that is silent just now does not answer, and hears the next.
      const again = setInterval(() => {
        ask();
      }, ASK_AGAIN);
      const settle = (): void => {
        stop();
        clearInterval(again);
      };
      this.#teardown.push(settle);
      const ask = (): void => {
        this.#try(() => {
          this.#commands.hello((text) => {
            settle();
            if (this.#greet(text)) resolve(this.#connection());
          });
        });
      };
      this.#try(() => {
        this.#listen();
      });
      ask();
    });
  }

  /** What the NATS client throws ends it. */
  #try(run: () => void): void {
    if (this.#ended) return;
    try {
      run();
    } catch (error) {
      this.#end(error as Error);
    }
  }

  /** Before hello, so that nothing falls between its numbers and the first event. */
  #listen(): void {
    const { status, beats, replies } = this.#link;
    const subject = subjectOf('evt', this.#vm);
    const patterns = this.#tokens.map((token) => `${subject}.${token}`);
    const needed = new Set([...patterns, beatSubject(this.#vm.host), replies.pattern]);
    for (const pattern of patterns) {
      const subscription = listen(status.nats, pattern, (message) => {
        this.#hear(message);
      });
      this.#subscriptions.push(subscription);
    }
    this.#teardown.push(
      beats.watch(this.#vm.host, {
        beat: (_host, beat, complete) => {
          this.#hearBeat(beat, complete);
        },
        silent: () => {
          this.#lose(`the agent of ${this.#vm.host} is silent`);
        },
      }),
      status.watch({
        disconnected: () => {
          this.#lose('the connection to NATS is lost');
        },
        closed: () => {
          this.#lose('the connection to NATS is closed');
        },
        denied: (denied) => {
          this.#commands.denied(denied);
        },
        unsubscribed: (pattern) => {
          if (needed.has(pattern)) this.#lose(refusal('subscribe', pattern));
        },
      }),
    );
  }

  #connection(): Connection {
    const connection = {
      incoming$: this.#inbox.incoming$,
      send: (text: string | Uint8Array) => {
        this.#send(typeof text === 'string' ? text : new TextDecoder().decode(text));
      },
      close: () => {
        this.#end();
      },
      abandon: (id: number) => {
        this.#commands.forget(String(id));
      },
    };
    return connection;
  }

  /** True if it may go on. */
  #greet(text: string): boolean {
    const hello = readHello(text);
    if (!hello) this.#lose('what answers is no agent of this protocol: are both of the same release?');
    else if ('gone' in hello) this.#lose(hello.gone);
    if (!hello || 'gone' in hello || this.#ended) return false;
    this.#hello = hello;
    this.#link.beats.expect(this.#vm.host, hello.every);
    this.#sequence.start(hello, hello.k);
    this.#inbox.next(`${JSON.stringify(hello.greeting)}\r\n`);
    return true;
  }

  #send(line: string): void {
    const hello = this.#hello;
    if (this.#ended || !hello) return;
    const beat = this.#link.beats.of(this.#vm.host);
    const heard = beat?.epoch === hello.epoch ? Math.max(beat.beat, hello.beat) : hello.beat;
    this.#commands.send(line, `${hello.epoch}.${hello.session}.${heard}`);
  }

  #hear(message: Msg): void {
    if (this.#ended || !this.#hello) return; // hello counts what came before it
    const subject = readEventSubject('evt', message.subject);
    const numbers = readNumbers(this.#vm, headersOf(message)?.get(ID_HEADER));
    if (!subject || !numbers) return;
    const step = this.#sequence.take(subject.name, numbers);
    if (step.kind === 'hole') this.#lose(missing(step.missed));
    else if (step.kind === 'session') this.#lose('a new session to QEMU has begun');
    else if (step.kind === 'next' && subject.name === DOWN) this.#lose('the session to QEMU has ended');
    else if (step.kind === 'next' && subject.name !== UP) this.#inbox.next(`${message.string()}\r\n`);
  }

  /** Where the agent says it is: what was lost may have been the last event. */
  #hearBeat(beat: Beat, complete: boolean): void {
    const hello = this.#hello;
    if (beat.epoch === hello?.epoch) this.#commands.beat();
    if (!hello || beat.epoch < hello.epoch || (beat.epoch === hello.epoch && beat.beat <= hello.beat)) return;
    const { host, vm } = this.#vm;
    const moved = Object.hasOwn(beat.moved, vm) ? beat.moved[vm] : undefined;
    const missed = moved?.[0] === hello.session ? this.#sequence.beat(beat.epoch, moved, true) : 0;
    if (beat.epoch > hello.epoch) this.#lose(`another agent serves ${host}`);
    else if (beat.lost !== hello.lost) {
      this.#lose(`the agent of ${host} has lost its connection, and what it answered then`);
    } else if (beat.stopped) this.#lose(`the agent of ${host} has stopped`);
    else if (!complete && beat.after > hello.beat) this.#lose(`a beat of the agent of ${host} is missing`);
    else if (moved && moved[0] > hello.session) this.#lose('the session to QEMU has ended');
    else if (missed === 'forged') this.#lose(`somebody else publishes in the name of the agent of ${host}`);
    else if (missed !== 'session' && missed > 0) this.#lose(missing(missed));
  }

  #lose(why: string): void {
    this.#end(new DisconnectedError(`nats:${this.#vm.host}/${this.#vm.vm}: ${why}`));
  }

  #end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const stop of this.#teardown) stop();
    this.#commands.end();
    if (error) this.#refuse?.(error);
    if (error) this.#inbox.error(error);
    else this.#inbox.complete();
  }
}

function missing(events: number): string {
  return events === 1 ? 'an event is missing' : `${events} events are missing`;
}
