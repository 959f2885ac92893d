// Writes src/protocol/qapi/ from qapi/qemu-*.json, what each QEMU answered to query-qmp-schema, and src/protocol/qga/ from
// qapi/qga-*.json. qapi/manual.json has the anchors of QEMU's reference manuals.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { generateKnownShapes, generateListedNames, generateTypes } from '../dist/generate/index.js';

const root = new URL('../', import.meta.url);
const read = async (path) => JSON.parse(await readFile(new URL(path, root), 'utf8'));
const manual = await read('qapi/manual.json');
const schemas = { qemu: [], qga: [] };
for (const file of await readdir(new URL('qapi/', root))) {
  const match = /^(qemu|qga)-(.+)\.json$/.exec(file);
  if (match) schemas[match[1]].push({ version: match[2], schema: await read(`qapi/${file}`) });
}

const guest = { commandMap: 'GuestCommandMap', prefix: 'qga', manual: manual.qga };
const files = Object.fromEntries([
  ...[...generateTypes(schemas.qemu, { manual: manual.qemu })].map(([name, text]) => [`qapi/${name}`, text]),
  ['qapi/known-names.ts', generateListedNames(schemas.qemu)],
  ['qapi/known-shapes.ts', generateKnownShapes(schemas.qemu)],
  ...[...generateTypes(schemas.qga, guest)].map(([name, text]) => [`qga/${name}`, text]),
]);
for (const [path, text] of Object.entries(files)) {
  await writeFile(new URL(`src/protocol/${path}`, root), text);
  console.log(`src/protocol/${path}: ${Buffer.byteLength(text)} bytes`);
}
