import type { Greeting } from '../../protocol/message.js';
import type { Vm } from '../../gateway/vm.js';
import type { VmInfo } from '../../gateway/vm-info.js';
import { messageId } from '../numbers.js';
import { DOWN, eventTokenOf, isToken, subjectOf, UP, type VmName } from '../subjects.js';
import { LogQueue } from './log.js';
import { VmCounter } from '../vm-counter.js';
import { readObject } from '../wire.js';

export interface FeedHost {
  epoch(): number;
  /** Sends to live readers; does nothing while the agent must be silent. */
  live(subject: string, id: string, text: string): void;
  log(queue: LogQueue, item: { readonly subject: string; readonly id: string; readonly text: string }): void;
  changed(info: VmInfo): void;
  /** Counts the feed among those that the next beat tells of. */
  moved(feed: VmFeed): void;
}

/** Numbers what one VM does, and hands it to live readers and to the log. */
export class VmFeed {
  readonly vm: Vm;
  readonly counter: VmCounter = new VmCounter();
  readonly queue: LogQueue = new LogQueue();
  readonly #name: VmName;
  readonly #host: FeedHost;
  readonly #evt: string;
  readonly #log: string;
  readonly #unsubscribe: () => void;
  #up = false;
  #asked = false;
  #uuid: string | undefined;

  constructor(vm: Vm, host: string, feedHost: FeedHost) {
    this.vm = vm;
    this.#name = { host, vm: vm.name };
    this.#host = feedHost;
    this.#evt = subjectOf('evt', this.#name);
    this.#log = subjectOf('log', this.#name);
    this.#unsubscribe = vm.subscribe({
      event: (text, _n, { event }) => {
        this.#begin();
        this.#publish(event, text);
      },
      changed: (info) => {
        if (vm.greeting && !this.#asked) void this.#askUuid();
        this.#asked = vm.greeting !== undefined;
        if (vm.greeting) this.#begin();
        feedHost.changed(info);
      },
      ended: () => {
        this.#finish();
      },
    });
  }

  /** What QEMU said first, while its session is told of. */
  get greeting(): Greeting | undefined {
    return this.#up ? this.vm.greeting : undefined;
  }

  /** Of QEMU's `-uuid`, once it is known that there is one. */
  get uuid(): string | undefined {
    return this.#uuid;
  }

  /** The agent has a new epoch: what goes on is a session that begins. */
  restart(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#begin();
  }

  end(): void {
    this.#unsubscribe();
    this.#finish();
  }

  #begin(): void {
    if (this.#up) return;
    this.#up = true;
    this.counter.begin();
    this.#publish(UP, '');
  }

  /** It joins what one VM does on two hosts, when it moves. */
  async #askUuid(): Promise<void> {
    const caller = this.vm.join();
    try {
      const answer = readObject(await caller.execute({ name: 'query-uuid', args: undefined, oob: false }));
      const uuid = answer?.['UUID'];
      this.#uuid = typeof uuid === 'string' && /[1-9a-f]/i.test(uuid) ? uuid : undefined;
      if (this.#uuid !== undefined) this.#host.changed(this.vm.info);
    } catch {
      // A server that has none, qemu-storage-daemon say; or its session has ended.
    } finally {
      caller.leave();
    }
  }

  #finish(): void {
    if (!this.#up) return;
    this.#publish(DOWN, '');
    this.#up = false;
  }

  #publish(name: string, text: string): void {
    const numbers = this.counter.next(name, this.#host.epoch());
    this.#host.moved(this);
    const token = eventTokenOf(name);
    if (!numbers || !isToken(token)) return; // the hole in n tells of it
    const id = messageId(this.#name, numbers);
    this.#host.live(`${this.#evt}.${token}`, id, text);
    this.#host.log(this.queue, { subject: `${this.#log}.${token}`, id, text });
  }
}
