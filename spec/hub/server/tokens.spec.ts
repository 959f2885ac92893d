import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTokenFile } from 'rx-qmp/node';
import { temporaryFolder } from '../../support/temporary-folder.js';

describe('readTokenFile', () => {
  const folder = temporaryFolder();
  afterAll(() => {
    folder.remove();
  });

  function file(text: string, mode = 0o600): string {
    const path = join(folder.path, 'tokens');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  it('reads a role and a token per line, blank lines and comments aside', async () => {
    const path = file('# who may come in\n\nviewer 0123456789abcdef\r\n  operator\tfedcba9876543210.~-  \n');
    expect(await readTokenFile(path)).toEqual([
      { role: 'viewer', token: '0123456789abcdef', name: 'viewer-3' },
      { role: 'operator', token: 'fedcba9876543210.~-', name: 'operator-4' },
    ]);
  });

  it('reads the fields behind it (H9)', async () => {
    const path = file('operator 0123456789abcdef name=ann@x vms=web*,db1 allow=stop,cont screen\n');
    expect(await readTokenFile(path)).toEqual([
      {
        role: 'operator',
        token: '0123456789abcdef',
        name: 'ann@x',
        vms: ['web*', 'db1'],
        allow: ['stop', 'cont'],
        screen: true,
      },
    ]);
  });

  it.each([0o604, 0o602, 0o644, 0o601])('refuses a file that others may use: mode %i (H9)', async (mode) => {
    await expect(readTokenFile(file('viewer 0123456789abcdef\n', mode))).rejects.toThrow(/chmod o= /);
  });

  it.each([
    'viewer 0123456789abcdef name=a name=b',
    'viewer 0123456789abcdef screen screen',
    'viewer 0123456789abcdef shell',
    'viewer 0123456789abcdef name=',
    'viewer 0123456789abcdef name=a/b',
    `viewer 0123456789abcdef name=${'x'.repeat(65)}`,
    'viewer 0123456789abcdef allow=stop',
    'viewer 0123456789abcdef vms=a,,b',
    'operator 0123456789abcdef Name=ann',
    'root 0123456789abcdef',
    '0123456789abcdef',
    'viewer',
    'viewer 0123456789abcdef more',
    'viewer secret',
    'viewer 0123456789abcde=',
  ])('rejects %j, by the number of its line and without what is in it', async (line) => {
    const error: unknown = await readTokenFile(file(`# first\n${line}\n`)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain('line 2');
    expect((error as Error).message).not.toMatch(/secret|0123456789/);
  });

  it('rejects where there is no file', async () => {
    await expect(readTokenFile(join(folder.path, 'none'))).rejects.toThrow('ENOENT');
  });
});
