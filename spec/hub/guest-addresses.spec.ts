import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom, map } from 'rxjs';
import { HubClient, serve } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { Cli } from '../support/cli.js';
import { describeWith, QEMU_GA } from '../support/programs.js';
import { exit, socketAt } from '../support/qemu.js';
import { closeAll, closeLater, newFolder, startHub } from './hub-under-test.js';
import { VIEWER } from './raw-client.js';

afterEach(closeAll);

/** Of this machine, which a qemu-ga on it takes for the guest. */
const OWN = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses)
  .filter(({ internal, address }) => !internal && !/^(169\.254|fe80)/.test(address))
  .map(({ address }) => address)
  .sort();

/** A real agent at a socket, as QEMU would show that of a guest. */
async function startAgent(path: string, state: string): Promise<void> {
  mkdirSync(state);
  const args = ['-m', 'unix-listen', '-p', path, '-t', state, '-f', join(state, 'pid')];
  const child: ChildProcess = spawn('qemu-ga', args, { stdio: 'ignore' });
  const gone = exit(child);
  closeLater({
    close: async () => {
      child.kill();
      await gone;
    },
  });
  await socketAt(path, AbortSignal.timeout(10_000));
}

/** The addresses of a VM, once the hub knows them. */
function addressesOf(hub: HubClient, name: string): Promise<readonly string[]> {
  const addresses$ = hub.vms$.pipe(
    map((vms) => vms.find((vm) => vm.name === name)?.addresses),
    filter((addresses) => addresses !== undefined),
  );
  return firstValueFrom(addresses$);
}

describeWith([QEMU_GA], 'the addresses of guests, by a real qemu-ga', () => {
  it('come from NAME.qga beside NAME.qmp, also where the agent begins later; it is no VM (H15)', async () => {
    const folder = newFolder();
    const fake = new FakeQemu();
    closeLater(await serve(fake.connector, `unix:${join(folder, 'web1.qmp')}`));
    const { hub } = await startHub({ dir: folder });
    const client = closeLater(new HubClient(hub.url, { token: VIEWER }));
    await firstValueFrom(client.vms$.pipe(filter((vms) => vms.every(({ state }) => state === 'ready'))));
    expect(hub.vms.map(({ name, addresses }) => [name, addresses])).toEqual([
      ['web1', undefined],
      ['vm1', undefined],
    ]);
    await startAgent(join(folder, 'web1.qga'), join(newFolder(), 'state'));
    fake.emit('VSERPORT_CHANGE', { id: 'channel0', open: true });
    expect([...(await addressesOf(client, 'web1'))].sort()).toEqual(OWN);
    expect(hub.vms.map(({ name }) => name)).toEqual(['web1', 'vm1']);
  });

  it('come from ,guest=ADDRESS on the command line (H15)', async () => {
    const folder = newFolder();
    closeLater(await serve(new FakeQemu().connector, `unix:${join(folder, 'monitor')}`));
    await startAgent(join(folder, 'agent'), join(folder, 'state'));
    const vm = `db1=unix:${join(folder, 'monitor')},guest=unix:${join(folder, 'agent')}`;
    const cli = new Cli(['hub', vm, '--listen', '127.0.0.1:0']);
    closeLater({
      close: async () => {
        cli.process.kill('SIGTERM');
        await cli.ended();
      },
    });
    await cli.until('stdout', /for this run: \S+\n/);
    const [, url = '', token = ''] = /listening at (\S+)\n.*: (\S+)\n/s.exec(cli.stdout) ?? [];
    const client = closeLater(new HubClient(url, { token }));
    expect([...(await addressesOf(client, 'db1'))].sort()).toEqual(OWN);
  });
});
