import { tokenOf, type VmName } from './subjects.js';

/** The header that carries the {@link Numbers}; JetStream drops a message whose id it has stored already. */
export const ID_HEADER = 'Nats-Msg-Id';

/**
 * Where an event stands.
 *
 * `epoch` grows with each claim of the host by an agent, `session` with each session of its client to QEMU, `n` counts the
 * VM's events and markers in the session from 1, `k` those with this name.
 */
export interface Numbers {
  readonly epoch: number;
  readonly session: number;
  readonly n: number;
  readonly k: number;
}

export function messageId({ host, vm }: VmName, { epoch, session, n, k }: Numbers): string {
  return `${tokenOf(host)}/${tokenOf(vm)}:${epoch}.${session}.${n}.${k}`;
}

/** The numbers of a message of this VM; `undefined` if the id is another's, or not valid. */
export function readNumbers(vm: VmName, id: string | undefined): Numbers | undefined {
  const prefix = `${tokenOf(vm.host)}/${tokenOf(vm.vm)}:`;
  if (!id?.startsWith(prefix)) return undefined;
  const [, ...digits] = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(id.slice(prefix.length)) ?? [];
  const [epoch, session, n, k] = digits.map(Number);
  if (epoch === undefined || !session || !n || !k || k > n) return undefined;
  return { epoch, session, n, k };
}

/** Below 0 where the session of `a` is older than that of `b`, 0 where it is the same. */
export function compareSessions(a: Pick<Numbers, 'epoch' | 'session'>, b: Pick<Numbers, 'epoch' | 'session'>): number {
  return a.epoch === b.epoch ? a.session - b.session : a.epoch - b.epoch;
}
