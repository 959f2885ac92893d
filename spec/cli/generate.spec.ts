import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rxQmp } from '../support/cli.js';
import { describeQemu, startQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { FakeQemu } from 'rx-qmp/testing';
import { serve } from 'rx-qmp/node';

const run = promisify(execFile);
const root = join(__dirname, '..', '..');

describeQemu('rx-qmp generate', () => {
  it('finds nothing to add for a QEMU whose schema is built in', async () => {
    const qemu = await startQemu();
    const { code, stdout, stderr } = await rxQmp('generate', qemu.address);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(
        /^QEMU [\d.]+: 0 events and 0 commands that rx-qmp does not list, 0 with other members than it lists\n$/,
      ) as string,
    });
    expect(stdout).toContain("declare module 'rx-qmp'");
    await qemu.stop();
  });
});

describe('rx-qmp generate', () => {
  it('writes what a vendor added, and a program can use it', async () => {
    const folder = temporaryFolder();
    const fake = new FakeQemu();
    fake.on(
      'query-qmp-schema',
      () =>
        [
          { 'meta-type': 'event', name: 'VENDOR_ALARM', 'arg-type': '1' },
          { 'meta-type': 'object', name: '1', members: [{ name: 'level', type: 'int' }] },
          { 'meta-type': 'builtin', name: 'int', 'json-type': 'int' },
          { 'meta-type': 'command', name: 'vendor-reset', 'arg-type': '1', 'ret-type': '2' },
          { 'meta-type': 'object', name: '2', members: [] },
        ] as never,
    );
    const served = await serve(fake.connector, `unix:${join(folder.path, 'vendor.qmp')}`);
    const file = join(folder.path, 'vendor.ts');
    expect(await rxQmp('generate', served.address, '-o', file)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('1 event and 1 command') as string,
    });
    expect(readFileSync(file, 'utf8')).toContain('VENDOR_ALARM');
    writeFileSync(
      join(folder.path, 'program.ts'),
      `import { EventListener, type QmpClient } from 'rx-qmp';
       import './vendor.js';
       export const alarms = new EventListener('VENDOR_ALARM', ({ data }) => data.level > 3);
       export const reset = (client: QmpClient) => client.execute('vendor-reset', { level: 1 });
       // @ts-expect-error -- it has arguments
       export const wrong = (client: QmpClient) => client.execute('vendor-reset');`,
    );
    writeFileSync(
      join(folder.path, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        compilerOptions: {
          rootDir: '/',
          typeRoots: [join(root, 'node_modules', '@types')],
          paths: {
            'rx-qmp': [join(root, 'src', 'index.ts')],
            rxjs: [join(root, 'node_modules', 'rxjs')],
          },
        },
        include: [folder.path],
      }),
    );
    writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }');
    const { stdout } = await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', folder.path]).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');
    await served.close();
    folder.remove();
  });
});
