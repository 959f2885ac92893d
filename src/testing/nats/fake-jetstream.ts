import { asyncScheduler } from 'rxjs';
import { LOG_STREAM, VMS_BUCKET } from '../../fleet/store-names.js';
import { matches, PREFIX } from '../../fleet/subjects.js';
import { readObject } from '../../fleet/wire.js';
import type { Broker } from './broker.js';
import type { NatsHeaders, NatsMessage } from './message.js';

/** One message that is stored. */
interface Stored {
  readonly seq: number;
  readonly time: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: NatsHeaders | undefined;
}

interface ConsumerConfig {
  readonly filter_subject?: string;
  readonly deliver_subject?: string;
  readonly deliver_policy?: string;
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
}

/** One that reads a stream: to a subject of its own, or as many as it is asked for. */
interface Consumer {
  readonly name: string;
  readonly config: ConsumerConfig;
  /** Of the stream: delivered up to here. */
  seq: number;
  delivered: number;
  /** Where to, and how many yet. */
  readonly pulls: { readonly to: string; left: number }[];
}

/** One log, or one table of the latest messages of each subject. */
class Stream {
  readonly name: string;
  readonly subjects: string;
  readonly consumers: Map<string, Consumer> = new Map();
  messages: Stored[] = [];
  last = 0;
  readonly #latestOnly: boolean;

  constructor(name: string, subjects: string, latestOnly: boolean) {
    this.name = name;
    this.subjects = subjects;
    this.#latestOnly = latestOnly;
  }

  store({ subject, data, headers }: NatsMessage): number {
    if (this.#latestOnly) this.messages = this.messages.filter((stored) => stored.subject !== subject);
    this.messages.push({ seq: ++this.last, time: asyncScheduler.now(), subject, data, headers });
    return this.last;
  }

  waiting({ config, seq }: Consumer): Stored[] {
    return this.messages.filter((stored) => stored.seq > seq && matches(config.filter_subject ?? '>', stored.subject));
  }
}

const API = '$JS.API.';

/** The log of the fleet, and the table of its VMs: as much of JetStream as a `FleetClient` needs of it, but for `consume()`. */
export class FakeJetStream {
  readonly #broker: Broker;
  readonly #streams: readonly Stream[] = [
    new Stream(LOG_STREAM, `${PREFIX}.log.>`, false),
    new Stream(`KV_${VMS_BUCKET}`, `$KV.${VMS_BUCKET}.>`, true),
  ];

  constructor(broker: Broker) {
    this.#broker = broker;
    for (const stream of this.#streams) {
      broker.subscribe({
        pattern: stream.subjects,
        deliver: (message) => {
          message.respond(JSON.stringify({ stream: stream.name, seq: stream.store(message) }));
          this.pump();
        },
      });
    }
    broker.subscribe({
      pattern: `${API}>`,
      deliver: (message) => {
        const answer = this.#answer(message);
        if (answer) message.respond(JSON.stringify(answer));
      },
    });
    broker.watch(() => {
      queueMicrotask(() => {
        this.pump();
      });
    });
  }

  /** Delivers what waits to those who are there to take it. */
  pump(): void {
    if (this.#broker.away) return;
    for (const stream of this.#streams) {
      for (const consumer of stream.consumers.values()) this.#deliver(stream, consumer);
    }
  }

  #deliver(stream: Stream, consumer: Consumer): void {
    const waiting = stream.waiting(consumer);
    for (const [index, { seq, time, subject, data, headers }] of waiting.entries()) {
      const pull = consumer.pulls[0];
      const to = consumer.config.deliver_subject ?? pull?.to;
      if (to === undefined || !this.#broker.isHeard(to)) return;
      if (pull && --pull.left === 0) consumer.pulls.shift();
      consumer.seq = seq;
      consumer.delivered += 1;
      const pending = waiting.length - index - 1;
      const place = `1.${seq}.${consumer.delivered}.${time}000000.${pending}`;
      const reply = `$JS.ACK.${stream.name}.${consumer.name}.${place}`;
      this.#broker.deliver(to, this.#broker.message(subject, data, { reply, ...(headers && { headers }) }));
    }
  }

  #answer(message: NatsMessage): object | undefined {
    const [kind, verb, name = '', ...rest] = message.subject.slice(API.length).split('.');
    const stream = this.#streams.find((one) => one.name === name);
    const request = readObject(message.string()) ?? {};
    if (kind === 'STREAM' && verb === 'INFO') return stream ? infoOf(stream) : error(404, 10059, 'stream not found');
    if (kind !== 'CONSUMER') return error(501, 10076, `a FakeNats does not have ${kind}.${verb}`);
    if (verb === 'MSG' && name === 'NEXT') {
      const [of, consumer = ''] = rest;
      const found = this.#streams.find((one) => one.name === of)?.consumers.get(consumer);
      found?.pulls.push({ to: message.reply ?? '', left: Number(request['batch'] ?? 1) });
      queueMicrotask(() => {
        this.pump();
      });
      return undefined;
    }
    if (!stream) return error(404, 10059, 'stream not found');
    const [consumerName = ''] = rest;
    const config = request['config'] as (ConsumerConfig & { readonly durable_name?: string }) | undefined;
    if (config?.durable_name !== undefined) return error(501, 10076, 'a FakeNats has no durable consumers');
    if (verb === 'CREATE' && config) return describe(stream, begin(stream, consumerName, config));
    const consumer = stream.consumers.get(consumerName);
    if (verb === 'DELETE') return { success: stream.consumers.delete(consumerName) };
    if (verb === 'INFO' && consumer) return describe(stream, consumer);
    if (verb === 'INFO') return error(404, 10014, 'consumer not found');
    return error(501, 10076, `a FakeNats does not have ${kind}.${verb}`);
  }
}

function begin(stream: Stream, name: string, config: ConsumerConfig): Consumer {
  const from = config.opt_start_time === undefined ? -Infinity : Date.parse(config.opt_start_time);
  const before = stream.messages.filter(({ time }) => time < from).at(-1)?.seq ?? 0;
  const seq = config.deliver_policy === 'new' ? stream.last : Math.max(before, (config.opt_start_seq ?? 1) - 1);
  const consumer = { name, config, seq, delivered: 0, pulls: [] };
  stream.consumers.set(name, consumer);
  return consumer;
}

function describe(stream: Stream, consumer: Consumer): object {
  const { name, config } = consumer;
  return { stream_name: stream.name, name, config, num_pending: stream.waiting(consumer).length };
}

function infoOf({ name, subjects, messages, last }: Stream): object {
  return {
    config: { name, subjects: [subjects] },
    state: { messages: messages.length, first_seq: messages[0]?.seq ?? 0, last_seq: last },
  };
}

function error(code: number, errCode: number, description: string): object {
  return { error: { code, err_code: errCode, description } };
}
