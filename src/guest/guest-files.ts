import type { QmpClient } from '../client/qmp-client.js';
import { checkLimit } from '../foundation/checks.js';
import { QmpError } from '../protocol/errors.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';
import { fromBase64, joined, toBase64, type GuestBytes } from './base64.js';

/** How much of a file in the guest is read at most. */
export interface GuestReadOptions {
  /** More bytes than this are a `QmpError`. @default 64 MiB */
  readonly limit?: number;
  /** Rejects with its reason; the file is closed. */
  readonly signal?: AbortSignal;
}

/** How a file in the guest is written. */
export interface GuestWriteOptions {
  /** Adds to the end of the file instead of replacing what is in it. @default false */
  readonly append?: boolean;
  /** Rejects with its reason; the file is closed, and holds what has been written by then. */
  readonly signal?: AbortSignal;
}

/** Bytes for each command; agents hold up whatever else they are asked meanwhile. */
const PIECE = 48 * 1024;

/**
 * Resolves with the content of a file in the guest; `toString()` of it reads UTF-8.
 *
 * Rejects as {@link QmpClient.execute} does, or with `QmpError` if the file is larger than the limit.
 */
export async function guestReadFile(
  agent: QmpClient<GuestCommandMap>,
  path: string,
  { limit = 64 * 1024 * 1024, signal }: GuestReadOptions = {},
): Promise<GuestBytes> {
  checkLimit('limit', limit);
  const options = signal ? { signal } : {};
  return withOpenFile(agent, path, 'r', signal, async (handle) => {
    const parts: Uint8Array[] = [];
    for (let size = 0; ;) {
      const piece = await agent.execute('guest-file-read', { handle, count: PIECE }, options);
      const data = fromBase64(piece['buf-b64']);
      parts.push(data);
      size += data.length;
      if (size > limit) throw new QmpError(`${agent.name}: the file is larger than ${limit} bytes`);
      if (piece.eof || data.length === 0) return joined(parts);
    }
  });
}

/**
 * Writes a file in the guest, made if it is not there; a string as UTF-8. Resolves when the guest has it, on its disk too.
 *
 * Rejects as {@link QmpClient.execute} does.
 */
export async function guestWriteFile(
  agent: QmpClient<GuestCommandMap>,
  path: string,
  data: string | Uint8Array,
  { append = false, signal }: GuestWriteOptions = {},
): Promise<void> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  const options = signal ? { signal } : {};
  await withOpenFile(agent, path, append ? 'a' : 'w', signal, async (handle) => {
    for (let at = 0; at < bytes.length;) {
      const piece = { handle, 'buf-b64': toBase64(bytes.subarray(at, at + PIECE)) };
      const { count } = await agent.execute('guest-file-write', piece, options);
      if (!(count > 0)) throw new QmpError(`${agent.name}: the guest wrote none of the bytes; is its disk full?`);
      at += count;
    }
    await agent.execute('guest-file-flush', { handle }, options);
  });
}

/** The handle is closed whatever happens: the agent would keep it for ever. */
async function withOpenFile<T>(
  agent: QmpClient<GuestCommandMap>,
  path: string,
  mode: string,
  signal: AbortSignal | undefined,
  use: (handle: number) => Promise<T>,
): Promise<T> {
  const handle = await agent.execute('guest-file-open', { path, mode }, signal ? { signal } : {});
  const close = (): Promise<unknown> => agent.execute('guest-file-close', { handle });
  let result: T;
  try {
    result = await use(handle);
  } catch (error) {
    // What went wrong first counts.
    await close().catch(() => undefined);
    throw error;
  }
  await close();
  return result;
}
