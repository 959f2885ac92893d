import { firstValueFrom, filter } from 'rxjs';
import { HubClient } from 'rx-qmp';
import { WebSocket } from 'ws';
import { Cli, rxQmp } from '../support/cli.js';
import { describeQemu, startQemu } from '../support/qemu.js';

describeQemu('rx-qmp hub', () => {
  it('offers a VM to whoever has the token it printed, and ends on Ctrl-C', async () => {
    const qemu = await startQemu();
    const cli = new Cli([
      'hub',
      `vm1=${qemu.address}`,
      '--listen',
      '127.0.0.1:0',
      '--allow',
      'stop',
      '--allow',
      'cont',
    ]);
    await cli.until('stdout', /for this run: \S+\n/);
    const [, url = '', token = ''] = /listening at (\S+)\n.*: (\S+)\n/s.exec(cli.stdout) ?? [];
    const hub = new HubClient(url, { token, WebSocket });
    await firstValueFrom(
      hub.vms$.pipe(filter((vms) => vms.some(({ name, state }) => name === 'vm1' && state === 'ready'))),
    );
    const client = hub.client('vm1');
    await client.connect();
    const stops = client.listener('STOP');
    await client.execute('stop');
    expect((await stops.get({ timeout: 5_000 })).event).toBe('STOP');
    await expect(client.execute('quit')).rejects.toMatchObject({ name: 'ExecuteError' });
    await client.close();
    await hub.close();
    cli.process.kill('SIGINT');
    const { code, stderr } = await cli.ended();
    expect(code).toBe(0);
    expect(stderr).not.toContain(token);
    await qemu.stop();
  });
});

describe('rx-qmp hub', () => {
  it.each([
    [2, ['hub'], /no VMs/],
    [2, ['hub', 'vm1'], /must be ADDRESS or NAME=ADDRESS/],
    [2, ['hub', 'vm1=nowhere'], /must be ADDRESS or NAME=ADDRESS/],
    [2, ['hub', 'a=unix:/a', 'a=unix:/b'], /two VMs named a/],
    [2, ['hub', 'a=unix:/a', '--listen', 'here'], /must be HOST:PORT/],
    [1, ['hub', 'a=unix:/a', '--listen', '0.0.0.0:0'], /tls|proxy/i],
    [2, ['hub', 'a=unix:/a', '--tls-cert', 'x'], /go together/],
  ])('ends with %i, and says what is wrong with %j', async (exitCode, args, message) => {
    const { code, stdout, stderr } = await rxQmp(...args);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
