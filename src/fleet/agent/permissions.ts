import { AGENTS_BUCKET, LOG_STREAM, VMS_BUCKET } from '../store-names.js';
import { parseVmName, PREFIX, tokenOf } from '../subjects.js';

/** What a user of NATS may do, as the server's configuration has it. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Whether it may answer whoever asks it. */
  readonly responds?: true;
}

/** The prefix of a user's own inboxes: answers to one are not for another. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${tokenOf(user)}`;
}

/** @param vm `HOST/VM`, for one who may see that one only */
export function viewer(user: string, vm?: string): Permissions {
  const name = vm === undefined ? undefined : parseVmName(vm);
  const token = name ? `${tokenOf(name.host)}.${tokenOf(name.vm)}` : '*.*';
  const key = name ? token : '>';
  return {
    publish: [
      `${PREFIX}.cmd.${token}.s.hello`,
      `${PREFIX}.cmd.${token}.q.*`,
      '$JS.FC.>',
      // The filter is a part of the subject: for one VM, only what is filtered to it can be read. Nothing may be deleted.
      `$JS.API.CONSUMER.CREATE.KV_${VMS_BUCKET}.*.$KV.${VMS_BUCKET}.${key}`,
      `$JS.API.STREAM.INFO.${LOG_STREAM}`,
      `$JS.API.CONSUMER.CREATE.${LOG_STREAM}.*.${PREFIX}.log.${token}.>`,
      `$JS.API.CONSUMER.MSG.NEXT.${LOG_STREAM}.*`,
    ],
    subscribe: [
      `${PREFIX}.evt.${token}.>`,
      name ? `${PREFIX}.hb.${tokenOf(name.host)}` : `${PREFIX}.hb.*`,
      `${inboxPrefix(user)}.>`,
    ],
  };
}

/** A viewer who may also run what is allowed, and consume the log. */
export function operator(user: string, allow: readonly string[], vm?: string): Permissions {
  const { publish, subscribe } = viewer(user, vm);
  const name = vm === undefined ? undefined : parseVmName(vm);
  const token = name ? `${tokenOf(name.host)}.${tokenOf(name.vm)}` : '*.*';
  return {
    publish: [
      ...publish,
      ...allow.map((command) => `${PREFIX}.cmd.${token}.x.${tokenOf(command)}`),
      `$JS.API.CONSUMER.INFO.${LOG_STREAM}.*`,
      `$JS.ACK.${LOG_STREAM}.>`,
    ],
    subscribe,
  };
}

/** @param host undefined for an agent of any host, as on one laptop */
export function agent(user: string, host?: string): Permissions {
  const token = host === undefined ? '*' : tokenOf(host);
  const streams = [LOG_STREAM, `KV_${VMS_BUCKET}`, `KV_${AGENTS_BUCKET}`];
  return {
    publish: [
      `${PREFIX}.evt.${token}.>`,
      `${PREFIX}.log.${token}.>`,
      `${PREFIX}.hb.${token}`,
      `$KV.${VMS_BUCKET}.${token}`,
      `$KV.${VMS_BUCKET}.${token}.*`,
      `$KV.${AGENTS_BUCKET}.${token}`,
      ...streams.flatMap((stream) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.CREATE.${stream}`]),
      `$JS.API.STREAM.MSG.GET.KV_${VMS_BUCKET}`,
      `$JS.API.STREAM.MSG.GET.KV_${AGENTS_BUCKET}`,
      `$JS.API.DIRECT.GET.${LOG_STREAM}.${PREFIX}.log.${token}.>`,
    ],
    subscribe: [`${PREFIX}.cmd.${token}.>`, `${inboxPrefix(user)}.>`],
    responds: true,
  };
}
