// Makes dist/cli/main.cjs: the command line in one file, rxjs and commander inside. Loading RxJS from its many files takes as long
// as Node's own start, and an ES module starts slower than CommonJS. What a command imports is run only when that command is.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/cli/main.cjs',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  // RxJS gives Node its ES5 build, which is about half as fast as this one.
  alias: { rxjs: './node_modules/rxjs/dist/esm/index.js' },
  mainFields: ['module', 'main'],
  external: ['ws', 'sirv', 'koffi', '@nats-io/*'],
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': 'importMetaUrl' },
  // Not the project's own, whose paths lead to the sources of rx-qmp.
  tsconfigRaw: {},
  metafile: true,
  logLevel: 'warning',
});

/** The packages inside, whose licences ask to be passed on. */
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
);
const licenses = [...packages].map((name) => `${name}\n\n${licenseOf(name)}`).join('\n\n');
writeFileSync(new URL('../dist/cli/LICENSES.txt', import.meta.url), licenses);

function licenseOf(name) {
  for (const file of ['LICENSE', 'LICENSE.txt', 'LICENSE.md', 'LICENSE-MIT.txt', 'license']) {
    try {
      return readFileSync(new URL(`../node_modules/${name}/${file}`, import.meta.url), 'utf8');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  throw new Error(`${name} is bundled and has no licence file`);
}
