// Writes src/protocol/qapi/ and the names it lists from qapi/*.json: what each QEMU answered to query-qmp-schema.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { generateKnownNames, generateTypes } from '../dist/generate/index.js';

const root = new URL('../', import.meta.url);
const schemas = [];
for (const file of await readdir(new URL('qapi/', root))) {
  const version = /^qemu-(.+)\.json$/.exec(file)?.[1];
  if (version === undefined) continue;
  schemas.push({ version, schema: JSON.parse(await readFile(new URL(`qapi/${file}`, root), 'utf8')) });
}

const files = new Map([...generateTypes(schemas)].map(([name, text]) => [`src/protocol/qapi/${name}`, text]));
files.set('src/protocol/qapi/known-names.ts', generateKnownNames(schemas));
for (const [path, text] of files) {
  await writeFile(new URL(path, root), text);
  console.log(`${path}: ${Buffer.byteLength(text)} bytes`);
}
