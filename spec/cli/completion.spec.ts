import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { inBash, rxQmp } from '../support/cli.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** What bash offers at the end of a line. */
async function offered(line: string): Promise<string[]> {
  const script = `source <(rx-qmp completion bash); COMP_LINE='${line}' COMP_POINT=${line.length}; _rx_qmp; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await inBash(script);
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

describe('rx-qmp completion', () => {
  it.each([
    ['rx-qmp exe', ['exec ']],
    ['rx-qmp watch --ev', ['--event ']],
    ['rx-qmp watch -e STO', ['STOP ']],
    ['rx-qmp exec unix:/run/vm1.qmp job-di', ['job-dismiss ']],
    ['rx-qmp exec lib', ['libvirt:']],
    ['rx-qmp fly ', ['libvirt:', 'nats:', 'tcp:', 'unix:', 'ws://', 'wss://']],
  ])('offers in bash what may follow %s', async (line, expected) => {
    expect(await offered(line)).toEqual(expected);
  });

  it('offers sockets and folders, and nothing else, behind unix:', async () => {
    const folder = temporaryFolder();
    const server = createServer().listen(join(folder.path, 'vm1.qmp'));
    await once(server, 'listening');
    expect(await offered(`rx-qmp watch unix:${folder.path}/`)).toEqual([`${folder.path}/vm1.qmp `]);
    server.close();
    await once(server, 'close');
    folder.remove();
  });

  it.each(['zsh', 'fish'])('has a script for %s', async (shell) => {
    const { code, stdout } = await rxQmp('completion', shell);
    expect({ code, asks: stdout.includes('rx-qmp completion words') }).toEqual({ code: 0, asks: true });
  });

  it('says which shells there are', async () => {
    expect(await rxQmp('completion', 'tcsh')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bash, zsh, fish') as string,
    });
  });
});
