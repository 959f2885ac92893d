import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8');

/** The whole files that the guide shows. */
const files = [...page.matchAll(/^```\w+ title="(.*?)"\n(.*?)^```$/gms)].map(([, name = '', text = '']) => ({
  name,
  text,
}));

describe('the guide to testing', () => {
  const folder = temporaryFolder();

  afterAll(() => {
    folder.remove();
  });

  it('has examples that run as they stand, under strict types', async () => {
    for (const { name, text } of files) writeFileSync(join(folder.path, name), text);
    for (const name of ['rxjs', '@angular/core', '@nats-io', '@types', 'typescript', 'ts-jest', 'jest', 'tslib']) {
      const place = join(folder.path, 'node_modules', name);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), place);
    }
    // Built by Jest's global set-up.
    const installed = join(folder.path, 'node_modules/rx-qmp');
    for (const name of ['package.json', 'dist']) cpSync(join(root, name), join(installed, name), { recursive: true });
    const jest = join(root, 'node_modules/jest/bin/jest.js');
    const { stderr } = await promisify(execFile)(process.execPath, [jest, '--rootDir', folder.path, '-w', '1'], {
      cwd: folder.path,
    });

    expect(stderr).toMatch(/Tests: +12 passed, 12 total/);
    expect(files.map(({ name }) => name)).toContain('vm-power.spec.ts');
  }, 300_000);
});
