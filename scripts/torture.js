// `npm run torture`: the long form of what the tests do in short. `npm run torture -- fleet` is that part alone.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

const specs = new Map();
const files = readdirSync('spec/torture').map((name) => `spec/torture/${name}`);
for (const file of ['spec/bus/model.spec.ts', ...files]) {
  if (file.endsWith('.spec.ts')) specs.set(basename(file, '.spec.ts'), file);
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !specs.has(name));
if (unknown !== undefined) {
  console.error(`no torture is named ${unknown}: there are ${[...specs.keys()].join(', ')}`);
  process.exit(2);
}

// By their whole paths: a part of one may be in the name of the folder that all of this is in.
const paths = (wanted.length === 0 ? [...specs.keys()] : wanted).map((name) => specs.get(name));
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--runInBand', '--runTestsByPath', ...paths],
  {
    stdio: 'inherit',
    env: { ...process.env, RX_QMP_TORTURE: 'long' },
  },
);
process.exit(status ?? 1);
