// Runs an example from its TypeScript source: node scripts/run-example.js examples/01-one-name.ts
// Its imports of rx-qmp find this package by its own name, so `npm run build` comes first; `npm run example` does both.
import module from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [file] = process.argv.splice(2, 1);
if (!file) {
  console.error('Name one: npm run example -- examples/01-one-name.ts');
  process.exit(1);
}
// Node 20 has the hooks that run in a thread of their own; they are deprecated where there are the others.
if ('registerHooks' in module) /** @type {any} */ (module).registerHooks(await import('./typescript-hooks.js'));
else module.register('./typescript-hooks.js', import.meta.url);
await import(pathToFileURL(resolve(file)).href);
