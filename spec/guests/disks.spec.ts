import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as rxjs from 'rxjs';
import { lastValueFrom, toArray } from 'rxjs';
import * as rxQmp from 'rx-qmp';
import { followJob, followJobs, jobs$, runJob, type JobProgress, type Qapi, type QmpClient } from 'rx-qmp';
import { connect } from 'rx-qmp/node';
import ts from 'typescript';
import { describeGuest } from './guest-files.js';
import { startGuest, type Guest } from './start-guest.js';

const MIB = 1024 * 1024;
const SIZE = 32 * MIB;

/** A function of docs/tasks.md, as it stands there. */
function recipe(name: string, client: QmpClient): unknown {
  const page = readFileSync(join(__dirname, '../../docs/tasks.md'), 'utf8');
  const code = [...page.matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, block = '']) => block)
    .find((block) => block.includes(`function ${name}(`));
  const { outputText } = ts.transpileModule(code ?? '', {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const modules: Record<string, unknown> = { rxjs, 'rx-qmp': rxQmp };
  const make = compileFunction(`${outputText}\nreturn ${name};`, ['client', 'require', 'exports']) as (
    ...given: unknown[]
  ) => unknown;
  return make(client, (module: string) => modules[module], {});
}

describeGuest('the jobs of disks, on a running guest', () => {
  let guest: Guest;
  let client: QmpClient;
  let lists: (readonly Qapi.JobInfo[])[];

  beforeAll(async () => {
    guest = await startGuest({
      args: [...['-device', 'pcie-root-port,id=port1,chassis=1,slot=1']],
    });
    client = await connect(guest.address);
    lists = [];
    jobs$(client).subscribe((jobs) => lists.push(jobs));
    await makeDisk('disk');
    await client.execute('device_add', { driver: 'virtio-blk-pci', id: 'vda', drive: 'disk', bus: 'port1' });
    await guest.ready();
    await guest.serial.run('while [ ! -e /dev/vda ]; do sleep 0.2; done');
    // It is written all the while.
    guest.serial.type(
      '(i=0; while :; do echo $i > /tmp/n; dd if=/tmp/n of=/dev/vda seek=$((i % 4096)) conv=notrunc 2>/dev/null; i=$((i + 1)); done) &',
    );
    await guest.serial.run('dd if=/dev/urandom of=/dev/vda bs=1M count=8 seek=16 conv=notrunc 2>/dev/null; sync');
  });
  afterAll(async () => {
    await client.close();
    await guest.kill();
  });

  const file = (name: string): string => join(guest.folder, `${name}.qcow2`);
  const makeDisk = (name: string): Promise<void> =>
    (recipe('makeDisk', client) as (node: string, filename: string, size: number) => Promise<void>)(
      name,
      file(name),
      SIZE,
    );

  const statuses = (progress: readonly JobProgress[]): string[] => [...new Set(progress.map(({ status }) => status))];
  const info = (name: string): string =>
    execFileSync('qemu-img', ['info', '-U', '--output=json', file(name)], { encoding: 'utf8' });
  const check = (name: string): string => execFileSync('qemu-img', ['check', '-U', file(name)], { encoding: 'utf8' });

  it('back up, full and then incrementally, while the guest writes', async () => {
    type Disks = { disk: string; target: string }[];
    const backUp = recipe('backUp', client) as (disks: Disks, sync: 'full' | 'incremental') => Promise<void>;
    for (const name of ['full', 'later', 'other', 'other-full']) await makeDisk(name);
    await backUp(
      [
        { disk: 'disk', target: 'full' },
        { disk: 'other', target: 'other-full' },
      ],
      'full',
    );
    await guest.serial.run('dd if=/dev/urandom of=/dev/vda bs=64k count=4 seek=300 conv=notrunc 2>/dev/null; sync');
    await backUp([{ disk: 'disk', target: 'later' }], 'incremental');
    for (const name of ['full', 'later']) expect(check(name)).toMatch(/No errors/);
    // The blocks that were written between the two are in the second alone.
    const written = (name: string): number => (JSON.parse(info(name)) as { 'actual-size': number })['actual-size'];
    expect(written('later')).toBeGreaterThan(256 * 1024);
    expect(written('later')).toBeLessThan(written('full'));
  });

  it('mirror, and pivot when told to complete', async () => {
    await makeDisk('mirrored');
    const seen = await lastValueFrom(
      followJob(
        client,
        'mirror',
        () =>
          client.execute('blockdev-mirror', { 'job-id': 'mirror', device: 'disk', target: 'mirrored', sync: 'full' }),
        { whenReady: 'complete', pollInterval: 20 },
      ).pipe(toArray()),
    );
    expect(seen.filter(({ status }) => status === 'ready')).toHaveLength(1);
    expect(statuses(seen).at(-1)).toBe('concluded');
    expect((await client.execute('query-named-block-nodes', { flat: true })).length).toBeGreaterThan(0);
    expect((await client.execute('query-block')).map(({ inserted }) => inserted?.['node-name'])).toContain('mirrored');
  });

  it('take a snapshot, commit it, and stream', async () => {
    await makeDisk('overlay');
    await client.execute('blockdev-snapshot', { node: 'mirrored', overlay: 'overlay' });
    await guest.serial.run('dd if=/dev/zero of=/dev/vda bs=64k count=4 seek=200 conv=notrunc 2>/dev/null; sync');
    await runJob(client, 'commit', () => client.execute('block-commit', { 'job-id': 'commit', device: 'overlay' }), {
      whenReady: 'complete',
    });
    await client.execute('blockdev-del', { 'node-name': 'overlay' });
    await makeDisk('second');
    await client.execute('blockdev-snapshot', { node: 'mirrored', overlay: 'second' });
    await runJob(client, 'stream', () => client.execute('block-stream', { 'job-id': 'stream', device: 'second' }));
    expect(check('second')).toMatch(/No errors/);
  });

  it('wait for finalize and dismiss where they are told to', async () => {
    await makeDisk('kept');
    const start = (): Promise<unknown> =>
      client.execute('blockdev-backup', {
        'job-id': 'kept',
        device: 'second',
        target: 'kept',
        sync: 'full',
        'auto-finalize': false,
        'auto-dismiss': false,
      });
    const seen = await lastValueFrom(
      followJob(client, 'kept', start, { finalize: true, dismiss: true }).pipe(toArray()),
    );
    expect(seen.filter(({ status }) => status === 'pending')).toHaveLength(1);
    expect((await client.execute('query-jobs')).map(({ id }) => id)).not.toContain('kept');
  });

  it('join a job that runs, and cancel it when nobody watches', async () => {
    await makeDisk('slow');
    await client.execute('blockdev-backup', {
      'job-id': 'slow',
      device: 'second',
      target: 'slow',
      sync: 'full',
      speed: 65_536,
    });
    const gone = client.listener('JOB_STATUS_CHANGE', ({ data }) => data.id === 'slow' && data.status === 'null');
    await new Promise<void>((resolve) => {
      const following = followJob(client, 'slow', null, { onUnsubscribe: 'cancel' }).subscribe(({ status, type }) => {
        expect({ status, type }).toEqual({ status: 'running', type: 'backup' });
        setImmediate(() => {
          following.unsubscribe();
          resolve();
        });
      });
    });
    await gone.get({ timeout: 10_000 });
    gone.close();
    await expect(runJob(client, 'slow', null)).rejects.toMatchObject({ name: 'JobError', job: 'slow' });
  });

  it('say why a job is paused', async () => {
    await makeDisk('target');
    await client.execute('blockdev-add', {
      driver: 'blkdebug',
      'node-name': 'broken',
      image: 'target',
      'inject-error': [{ event: 'none', iotype: 'write', errno: 28, once: true }],
    } as never);
    const reasons: (string | undefined)[] = [];
    await runJob(
      client,
      'stops',
      () =>
        client.execute('blockdev-backup', {
          'job-id': 'stops',
          device: 'second',
          target: 'broken',
          sync: 'full',
          'on-target-error': 'stop',
        }),
      {
        onProgress: ({ status, reason }) => {
          if (status !== 'paused' || reason === undefined) return;
          reasons.push(reason);
          void client.execute('job-resume', { id: 'stops' });
        },
      },
    );
    expect(reasons).toEqual(['a write failed']);
  });

  it('fail together where one of a transaction fails, with the cause', async () => {
    await makeDisk('good');
    await makeDisk('bad');
    await client.execute('blockdev-add', {
      driver: 'blkdebug',
      'node-name': 'bad-debug',
      image: 'bad',
      'inject-error': [{ event: 'none', iotype: 'write', errno: 28 }],
    } as never);
    const backup = (id: string, target: string): object => ({
      type: 'blockdev-backup',
      data: { 'job-id': id, device: 'second', target, sync: 'full', speed: 8 * MIB },
    });
    const both = followJobs(client, ['one', 'two'], () =>
      client.execute('transaction', {
        actions: [backup('one', 'good'), backup('two', 'bad-debug')],
        properties: { 'completion-mode': 'grouped' },
      } as never),
    );
    await expect(lastValueFrom(both)).rejects.toMatchObject({
      name: 'JobError',
      job: 'two',
      desc: 'No space left on device',
    });
    expect((await client.execute('query-jobs')).filter(({ status }) => status !== 'concluded')).toEqual([]);
  });

  it('save a snapshot of the whole VM, and delete it', async () => {
    const arguments_ = { tag: 'one', devices: ['second'] };
    await runJob(
      client,
      'save',
      () => client.execute('snapshot-save', { 'job-id': 'save', vmstate: 'second', ...arguments_ }),
      { dismiss: true },
    );
    await runJob(client, 'delete', () => client.execute('snapshot-delete', { 'job-id': 'delete', ...arguments_ }), {
      dismiss: true,
    });
  });

  it('were all seen by jobs$, which is left with none', async () => {
    const seen = new Set(lists.flat().map(({ id }) => id));
    expect([...seen]).toEqual(expect.arrayContaining(['make-disk', 'mirror', 'kept', 'save']));
    while (lists.at(-1)?.length) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await client.execute('query-jobs')).toEqual([]);
    expect(client.listeners.length).toBe(2);
  });
});
