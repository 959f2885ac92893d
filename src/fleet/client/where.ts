import { checkName, DOWN, eventTokenOf, parseVmName, PREFIX, subjectOf, tokenOf, UP } from '../subjects.js';
import type { Where } from './fleet-types.js';

/** @throws TypeError if it contradicts itself, or a name is not valid */
export function checkWhere({ host, vm, names }: Where): void {
  if (host !== undefined) checkName('host', host);
  const parsed = vm === undefined ? undefined : parseVmName(vm);
  if (parsed && host !== undefined && host !== parsed.host) {
    throw new TypeError(`where.vm is of another host than where.host: ${JSON.stringify(vm)}, ${JSON.stringify(host)}`);
  }
  if (names !== undefined && (!Array.isArray(names) || names.some((name) => typeof name !== 'string' || name === ''))) {
    throw new TypeError('where.names must be an array of the names of events');
  }
}

/** The names that are read, markers included; undefined for all. */
export function namesOf({ names = [] }: Where): string[] | undefined {
  return names.length === 0 ? undefined : [...new Set([...names, UP, DOWN])];
}

/** What to subscribe to. */
export function patternsOf(kind: 'evt' | 'log', where: Where): string[] {
  const { host, vm } = where;
  const vms =
    vm === undefined
      ? `${PREFIX}.${kind}.${host === undefined ? '*' : tokenOf(host)}.*`
      : subjectOf(kind, parseVmName(vm));
  return namesOf(where)?.map((name) => `${vms}.${eventTokenOf(name)}`) ?? [`${vms}.*`];
}

/** The host that is meant, if there is one. */
export function hostOf({ host, vm }: Where): string | undefined {
  return vm === undefined ? host : parseVmName(vm).host;
}
