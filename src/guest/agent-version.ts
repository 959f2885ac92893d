import { isRecord } from '../foundation/checks.js';
import type { Greeting } from '../protocol/message.js';

/** What an agent's `guest-info` says of its version, as a greeting has it; zeros where it says nothing. */
export function agentVersion(info: unknown): Greeting['QMP']['version'] {
  const text = isRecord(info) ? String(info['version']) : '';
  const [major = 0, minor = 0, micro = 0] = text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return { qemu: { major, minor, micro }, package: 'qemu-ga' };
}
