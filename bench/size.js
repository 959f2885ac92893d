import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';

const ENTRY = fileURLToPath(new URL('../dist/index.js', import.meta.url));

/** What a browser loads: minified and compressed, without rxjs. `npm test` checks the same and more. */
export async function size() {
  const row = async (what, names, maximum) => {
    const bytes = await bundle(names);
    return { what: `${what}, minified + brotli, without rxjs, kB`, value: `${bytes} B`, ratio: bytes / 1000, maximum };
  };
  return [
    await row('core entry, everything in it', '*', 8),
    await row('of it QmpClient', '{ QmpClient }'),
    await row('of it EventBus and EventListener', '{ EventBus, EventListener }'),
  ];
}

async function bundle(names) {
  const { outputFiles } = await build({
    stdin: { contents: `export ${names} from ${JSON.stringify(ENTRY)}`, resolveDir: '.' },
    external: ['rxjs'],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  return brotliCompressSync(outputFiles[0].contents).length;
}
