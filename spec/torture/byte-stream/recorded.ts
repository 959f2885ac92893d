import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A session with a real QEMU, line by line; its replies have the ids of a client of ours. */
export const RECORDED: readonly string[] = readFileSync(
  join(__dirname, '../../fixtures/qemu-7.2-session.jsonl'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => `${line.replace(/"id": "c(\d+)"/, '"id": $1')}\r\n`);

/** Its greeting and the reply to `qmp_capabilities`. */
export const HANDSHAKE: string = RECORDED.slice(0, 2).join('');

/** What follows. */
export const LINES: readonly string[] = RECORDED.slice(2);
