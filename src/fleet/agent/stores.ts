import {
  DiscardPolicy,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { nanos, type NatsConnection } from '@nats-io/nats-core';
import { StateError } from '../../protocol/errors.js';
import { explained, isPassing, STREAM_NOT_FOUND } from '../nats-errors.js';
import { AGENTS_BUCKET, LOG_STREAM, VMS_BUCKET } from '../store-names.js';
import { PREFIX } from '../subjects.js';
import { BEATS } from '../wire.js';

/** Of one request. What is asked while there is no leader is not answered later, either. */
const API_TIMEOUT = 4_000;
/** An election takes 5 s, and a cluster that has just begun some more. */
const PATIENCE = 20_000;
const MIN_RENEW_TIMEOUT = 500;
const AGAIN = 250;
const DAY = 24 * 60 * 60 * 1000;
const NO_ROOM = 10047;

export interface StoreOptions {
  /** Milliseconds between beats. */
  readonly every: number;
  readonly logBytes: number;
  readonly replicas: number | undefined;
}

/** What an agent keeps on the server: the log of events, what is known of the VMs, and who serves which host. */
export class Stores {
  readonly agents: KV;
  readonly vms: KV;
  readonly #jsm: JetStreamManager;
  readonly #nats: NatsConnection;
  readonly #options: StoreOptions;

  /** Opens them, and makes what is missing. @throws StateError with what to do, where it may not or they are another's */
  static async open(nats: NatsConnection, options: StoreOptions): Promise<Stores> {
    const { version = '', jetstream: enabled } = nats.info ?? {};
    if (!isRecentEnough(version)) {
      throw new StateError(`the fleet needs a nats-server of 2.9.10 or later; ${nats.getServer()} is ${version}`);
    }
    if (enabled === false) {
      throw new StateError(`${nats.getServer()} has no JetStream: add a jetstream block to its configuration`);
    }
    const jsm = await jetstreamManager(nats, { timeout: API_TIMEOUT, checkAPI: false });
    // A claim is renewed each beat: an answer that takes longer than half of one is not waited for.
    const renewTimeout = Math.max(MIN_RENEW_TIMEOUT, options.every / 2);
    const open = (bucket: string, timeout: number): Promise<KV> =>
      // Not direct: another server than the leader may be behind, and would not know a claim that was just made.
      new Kvm(jetstream(nats, { timeout })).open(bucket, { allow_direct: false });
    const agents = await open(AGENTS_BUCKET, renewTimeout);
    const stores = new Stores(nats, jsm, { agents, vms: await open(VMS_BUCKET, API_TIMEOUT) }, options);
    await patiently(() => stores.make());
    return stores;
  }

  private constructor(
    nats: NatsConnection,
    jsm: JetStreamManager,
    buckets: { readonly agents: KV; readonly vms: KV },
    options: StoreOptions,
  ) {
    this.#nats = nats;
    this.#jsm = jsm;
    this.agents = buckets.agents;
    this.vms = buckets.vms;
    this.#options = options;
  }

  /** Makes what is missing; it may have been deleted while the agent ran. */
  async make(): Promise<void> {
    const { every, logBytes } = this.#options;
    const ttl = nanos(BEATS * every);
    await this.#stream(
      {
        name: LOG_STREAM,
        subjects: [`${PREFIX}.log.>`],
        max_age: nanos(7 * DAY),
        max_bytes: logBytes,
        duplicate_window: nanos(120_000),
        max_consumers: 1_000,
      },
      ({ subjects, allow_direct }) => {
        if (!subjects.includes(`${PREFIX}.log.>`)) return `does not store ${PREFIX}.log.>`;
        return allow_direct ? undefined : 'lacks allow_direct, without which an agent cannot ask for its last event';
      },
    );
    await this.#stream(bucket(VMS_BUCKET, 0), ({ max_age }) =>
      max_age === 0 ? undefined : 'forgets its entries after a time',
    );
    await this.#stream(bucket(AGENTS_BUCKET, ttl), ({ max_age }) =>
      max_age === ttl
        ? undefined
        : `holds a claim for ${max_age / 1_000_000} ms, not ${BEATS} beats of ${every} ms: agents of one fleet beat alike`,
    );
  }

  /** The id of the latest message in the log of a host; undefined if there is none, or the server does not say. */
  async latestId(hostToken: string): Promise<string | undefined> {
    try {
      const message = await this.#jsm.direct.getMessage(LOG_STREAM, { last_by_subj: `${PREFIX}.log.${hostToken}.>` });
      return message?.header.get('Nats-Msg-Id');
    } catch (error) {
      if (error instanceof JetStreamApiError) return undefined;
      throw explained(error, LOG_STREAM);
    }
  }

  async #stream(
    wanted: Partial<StreamConfig> & { name: string },
    fault: (found: StreamConfig) => string | undefined,
  ): Promise<void> {
    const found = await this.#find(wanted.name);
    const wrong = found && fault(found);
    if (wrong !== undefined) {
      throw new StateError(`the stream ${wanted.name} is there and ${wrong}; delete it, or use another account`);
    }
    if (found) return;
    const config = {
      ...{ storage: StorageType.File, retention: RetentionPolicy.Limits, discard: DiscardPolicy.Old },
      ...{ allow_direct: true, num_replicas: this.#options.replicas ?? replicasFor(this.#nats) },
      ...wanted,
    };
    try {
      await this.#jsm.streams.add(config);
    } catch (error) {
      // Another agent may have been quicker.
      if (await this.#find(wanted.name)) return;
      const noRoom = error instanceof JetStreamApiError && error.code === NO_ROOM;
      if (!noRoom || wanted.max_bytes === undefined) throw explained(error, wanted.name);
      const advice = `the server's store has no room for the ${wanted.max_bytes} bytes of limits.logBytes`;
      throw new StateError(`NATS says of ${wanted.name}: ${error.message}: ${advice}`, { cause: error });
    }
  }

  async #find(name: string): Promise<StreamConfig | undefined> {
    try {
      return (await this.#jsm.streams.info(name)).config;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
      throw explained(error, name);
    }
  }
}

/** Tries again while there is no leader, or no answer: after the death of a server that takes 5 s. */
export async function patiently<T>(run: () => Promise<T>): Promise<T> {
  const patience = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isPassing(error) || performance.now() > patience) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}

/** As the key-value client itself makes one, so that every tool for buckets knows it. */
function bucket(name: string, maxAge: number): Partial<StreamConfig> & { name: string } {
  return {
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    max_msgs_per_subject: 1,
    max_age: maxAge,
    allow_rollup_hdrs: true,
    deny_delete: true,
    discard: DiscardPolicy.New,
    duplicate_window: nanos(Math.min(120_000, maxAge === 0 ? Infinity : maxAge / 1_000_000)),
  };
}

/** Three where there are three servers. */
function replicasFor({ info }: NatsConnection): number {
  return info?.cluster !== undefined && (info.connect_urls?.length ?? 0) >= 3 ? 3 : 1;
}

function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  return major > 2 || (major === 2 && (minor > 9 || (minor === 9 && patch >= 10)));
}
