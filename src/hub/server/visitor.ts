import { rightsOf } from '../../gateway/rights.js';
import type { HubRights } from '../protocol.js';
import type { HubToken } from './tokens.js';

/** Which VMs somebody sees. Others do not exist for them. */
export interface View {
  /** The same for all who see the same. */
  readonly key: string;
  readonly shows: (vm: string) => boolean;
}

/** One who has been admitted: what they may do, and what they see. */
export interface Visitor {
  /** Of the token; never told. */
  readonly id: string;
  readonly rights: HubRights;
  readonly view: View;
}

const EVERYTHING: View = { key: '*', shows: () => true };

/** Who reaches a hub that asks for no token. */
export function anybody(allow: readonly string[]): Visitor {
  return { id: '', rights: { ...rightsOf('operator', allow), name: 'anybody', screen: true }, view: EVERYTHING };
}

/** The bearer of a token. @param allow what operators may run where the token says nothing of it */
export function bearerOf(token: HubToken & { readonly name: string }, allow: readonly string[], id: string): Visitor {
  const { role, name, screen = false } = token;
  return { id, rights: { ...rightsOf(role, token.allow ?? allow), name, screen }, view: viewOf(token.vms) };
}

/** @param patterns names of VMs, in which `*` stands for anything */
function viewOf(patterns: readonly string[] | undefined): View {
  if (!patterns) return EVERYTHING;
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[^A-Za-z0-9]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 's');
  });
  return { key: patterns.join(), shows: (vm) => expressions.some((expression) => expression.test(vm)) };
}
