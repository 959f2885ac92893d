import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingPackage } from '../../src/cli/missing-package.js';

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { peerDependencies } = JSON.parse(read('package.json')) as { peerDependencies: Record<string, string> };
const [, version = ''] = /^~(\d+\.\d+)\./.exec(peerDependencies['@nats-io/nats-core'] ?? '') ?? [];

const missing = (name: string): string | undefined =>
  missingPackage(
    Object.assign(new Error(`Cannot find package '${name}' imported from x`), { code: 'ERR_MODULE_NOT_FOUND' }),
  );

describe('an optional package that is not installed', () => {
  it('is named with what installs it, in a version that npm takes beside rx-qmp', () => {
    expect(version).toMatch(/^\d+\.\d+$/);
    const packages = ['nats-core', 'jetstream', 'kv', 'transport-node'].map((name) => `@nats-io/${name}@${version}`);
    expect(missing('@nats-io/kv')).toContain(`npm install ${packages.join(' ')}`);
    expect(missing('koffi')).toContain('npm install koffi');
    expect(missing('./own-file.js')).toBeUndefined();
    expect(missingPackage(new Error('else'))).toBeUndefined();
  });

  it('is installed by the guides in that version, too', () => {
    const commands = ['docs/fleet.md', 'docs/testing.md'].flatMap(
      (page) => read(page).match(/npm install [^\n`]*@nats-io[^\n`]*/g) ?? [],
    );
    expect(commands).toHaveLength(2);
    for (const command of commands) {
      const words = command.split(' ').filter((word) => word.startsWith('@nats-io/'));
      expect(words.filter((word) => !word.endsWith(`@${version}`))).toEqual([]);
    }
  });
});
