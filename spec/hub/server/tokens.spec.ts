import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTokenFile } from 'rx-qmp/node';
import { temporaryFolder } from '../../support/temporary-folder.js';

describe('readTokenFile', () => {
  const folder = temporaryFolder();
  afterAll(() => {
    folder.remove();
  });

  function file(text: string): string {
    const path = join(folder.path, 'tokens');
    writeFileSync(path, text);
    return path;
  }

  it('reads a role and a token per line, blank lines and comments aside', async () => {
    const path = file('# who may come in\n\nviewer 0123456789abcdef\r\n  operator\tfedcba9876543210.~-  \n');
    expect(await readTokenFile(path)).toEqual([
      { role: 'viewer', token: '0123456789abcdef' },
      { role: 'operator', token: 'fedcba9876543210.~-' },
    ]);
  });

  it.each([
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
