import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of live heap, garbage collected before. */
export function liveHeap(): number {
  let before = Infinity;
  let used = process.memoryUsage().heapUsed;
  // What one collection frees may hold what the next one can.
  while (before - used > 100_000) {
    before = used;
    collect();
    used = process.memoryUsage().heapUsed;
  }
  return used;
}

/** A number of bytes for people. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
