// Empties dist, but for the dashboard, which is built on its own and takes longer.
import { readdirSync, rmSync } from 'node:fs';

const dist = new URL('../dist/', import.meta.url);
try {
  for (const name of readdirSync(dist)) {
    if (name !== 'dashboard') rmSync(new URL(name, dist), { recursive: true });
  }
} catch (error) {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
