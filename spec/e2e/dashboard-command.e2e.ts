import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubClient } from 'rx-qmp';
import { filter, firstValueFrom } from 'rxjs';
import { WebSocket } from 'ws';
import { Cli } from '../support/cli.js';
import { describeQemu, startQemu } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** The address that it prints, in its parts. */
async function printed(cli: Cli): Promise<{ url: string; token: string }> {
  await cli.until('stdout', /dashboard: \S+\n/);
  const [, url = '', token = ''] = /dashboard: (http:\/\/127\.0\.0\.1:\d+)\/#token=(\S+)\n/.exec(cli.stdout) ?? [];
  return { url, token };
}

/** As Ctrl-C does; resolves with its exit code. */
async function interrupt(cli: Cli): Promise<number | null> {
  cli.process.kill('SIGINT');
  return (await cli.ended()).code;
}

describeQemu('rx-qmp dashboard', () => {
  const folder = temporaryFolder();

  afterAll(() => {
    folder.remove();
  });

  it('serves the page and the VM it names, to an operator of its buttons (P1)', async () => {
    const qemu = await startQemu();
    const cli = new Cli(['dashboard', qemu.address, '--no-open', '--allow', 'set_link']);
    const { url, token } = await printed(cli);
    expect(await (await fetch(url)).text()).toContain('<app-root');
    const hub = new HubClient(url, { token, WebSocket });
    const [vm] = await firstValueFrom(hub.vms$.pipe(filter((vms) => vms.some(({ state }) => state === 'ready'))));
    expect(vm).toMatchObject({ state: 'ready' });
    expect(await firstValueFrom(hub.state$.pipe(filter(({ phase }) => phase === 'open')))).toMatchObject({
      rights: {
        role: 'operator',
        screen: true,
        allow: [
          ...['stop', 'cont', 'system_reset', 'system_powerdown', 'quit'],
          ...['job-cancel', 'job-complete', 'job-dismiss', 'set_link'],
        ],
      },
    });
    await hub.close();
    expect(await interrupt(cli)).toBe(0);
    await qemu.stop();
  });

  it('changes nothing with --read-only (P1)', async () => {
    const qemu = await startQemu();
    const cli = new Cli(['dashboard', `web1=${qemu.address}`, '--no-open', '--read-only']);
    const { url, token } = await printed(cli);
    const hub = new HubClient(url, { token, WebSocket });
    const state = await firstValueFrom(hub.state$.pipe(filter(({ phase }) => phase === 'open')));
    expect(state).toMatchObject({ rights: { role: 'viewer', allow: [], screen: true } });
    await hub.close();
    await interrupt(cli);
    await qemu.stop();
  });

  it('opens the browser by way of a file of this user alone, and takes the file away (P1)', async () => {
    const qemu = await startQemu();
    const seen = join(folder.path, 'seen');
    writeFileSync(
      join(folder.path, 'xdg-open'),
      `#!/bin/sh\nstat -c %a "$1" > ${seen}.mode\ncat "$1" > ${seen}.html\necho "$1" > ${seen}\n`,
      { mode: 0o755 },
    );
    const cli = new Cli(['dashboard', qemu.address], { PATH: `${folder.path}:${process.env['PATH'] ?? ''}` });
    const { url, token } = await printed(cli);
    while (!existsSync(seen) || statSync(seen).size === 0) await new Promise(setImmediate);
    const file = readFileSync(seen, 'utf8').trim();
    expect(readFileSync(`${seen}.mode`, 'utf8').trim()).toBe('600');
    expect(readFileSync(`${seen}.html`, 'utf8')).toContain(`content="0; url=${url}/#token=${token}"`);
    expect(file).not.toContain(token);
    await interrupt(cli);
    expect(existsSync(file)).toBe(false);
    await qemu.stop();
  });
});
