import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { headersOf } from '../listen.js';
import { VMS_BUCKET } from '../store-names.js';
import { matches, nameOf, parseVmName, tokenOf } from '../subjects.js';
import { readObject } from '../wire.js';
import type { Where } from './fleet-types.js';

/** One entry of the bucket: of a VM, or of the agent of a host where `vm` is absent. */
export interface Entry {
  readonly host: string;
  readonly vm: string | undefined;
  /** Undefined where the entry was deleted, or is not an object. */
  readonly value: Record<string, unknown> | undefined;
}

/**
 * Hands each entry of the bucket over, then each change of one.
 *
 * Not by the key-value client: it does not tell an empty bucket from one that has said nothing yet.
 *
 * @param loaded is called once all there was has been handed over
 * @param ended is called when nothing more will come, and the watch was not stopped
 * @returns what stops it
 */
export async function watchVms(
  nats: NatsConnection,
  where: Where,
  told: { entry(entry: Entry): void; loaded(): void; ended(): void },
): Promise<() => void> {
  const prefix = `$KV.${VMS_BUCKET}.`;
  const filter = `${prefix}${keysOf(where)}`;
  const consumer = await jetstream(nats).consumers.getPushConsumer(`KV_${VMS_BUCKET}`, {
    filter_subjects: filter,
    deliver_policy: DeliverPolicy.LastPerSubject,
  });
  let pending = (await consumer.info(true)).num_pending;
  if (pending === 0) told.loaded();
  const messages = await consumer.consume({
    callback: (message) => {
      const entry = matches(filter, message.subject) ? entryOf(message.subject.slice(prefix.length)) : undefined;
      const value = headersOf(message)?.has('KV-Operation') ? undefined : readObject(message.string());
      if (entry) told.entry({ ...entry, value });
      pending -= 1;
      if (pending === 0) told.loaded();
    },
  });
  let ended = false;
  void messages.closed().then(() => {
    if (!ended) told.ended();
  });
  return () => {
    ended = true;
    messages.stop();
  };
}

/** One filter, so that a user who may see one VM only can be let. */
function keysOf({ host, vm }: Where): string {
  if (vm !== undefined) {
    const name = parseVmName(vm);
    return `${tokenOf(name.host)}.${tokenOf(name.vm)}`;
  }
  return host === undefined ? '>' : `${tokenOf(host)}.>`;
}

function entryOf(key: string): Omit<Entry, 'value'> | undefined {
  const [host, vm, ...rest] = key.split('.').map(nameOf);
  if (host === undefined || rest.length > 0) return undefined;
  if (!key.includes('.')) return { host, vm: undefined };
  return vm === undefined ? undefined : { host, vm };
}
