import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMPTY, concatMap, lastValueFrom, take, toArray } from 'rxjs';
import { ExecuteError, JobError, followJob, type JobProgress, type QmpClient } from 'rx-qmp';
import { connect } from 'rx-qmp/node';
import { describeQemu, startQemu } from '../support/qemu.js';

const MIB = 1024 * 1024;

describeQemu('followJob', () => {
  let qemu: Awaited<ReturnType<typeof startQemu>>;
  let client: QmpClient;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rx-qmp-jobs-'));
    qemu = await startQemu();
    client = await connect(qemu.address);
    await addDisk('source', 4 * MIB);
    await addDisk('target', 4 * MIB);
  });

  afterAll(async () => {
    await client.close();
    await qemu.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const createFile = (id: string, name: string, size: number): Promise<unknown> =>
    client.execute('blockdev-create', {
      'job-id': id,
      options: { driver: 'file', filename: join(folder, name), size },
    });

  async function addDisk(name: string, size: number): Promise<void> {
    await lastValueFrom(followJob(client, `make-${name}`, () => createFile(`make-${name}`, name, size)));
    await client.execute('job-dismiss', { id: `make-${name}` });
    await client.execute('blockdev-add', { driver: 'file', 'node-name': name, filename: join(folder, name) });
  }

  const statuses = (progress: readonly JobProgress[]): string[] => [...new Set(progress.map(({ status }) => status))];

  it('follows blockdev-create, which is not dismissed by itself, to concluded', async () => {
    const seen = await lastValueFrom(
      followJob(client, 'create', () => createFile('create', 'a.img', MIB)).pipe(toArray()),
    );
    expect(statuses(seen)).toEqual(['created', 'running', 'waiting', 'pending', 'concluded']);
    expect(await client.execute('query-jobs')).toMatchObject([{ id: 'create', status: 'concluded' }]);
    await client.execute('job-dismiss', { id: 'create' });
  });

  it('follows a small backup, which mostly is over before its reply and dismisses itself', async () => {
    const size = 64 * 1024;
    await addDisk('small-source', size);
    await addDisk('small-target', size);
    const start = (): Promise<unknown> =>
      client.execute('blockdev-backup', {
        'job-id': 'backup',
        device: 'small-source',
        target: 'small-target',
        sync: 'full',
      });
    const seen = await lastValueFrom(followJob(client, 'backup', start).pipe(toArray()));
    expect(statuses(seen)).toEqual(expect.arrayContaining(['created', 'running', 'waiting', 'pending', 'concluded']));
    expect(seen.at(-1)).toEqual({ id: 'backup', type: 'backup', status: 'concluded', current: size, total: size });
  });

  it('follows a mirror that is completed when it is ready', async () => {
    const start = (): Promise<unknown> =>
      client.execute('blockdev-mirror', { 'job-id': 'mirror', device: 'source', target: 'target', sync: 'full' });
    let completing = false;
    const seen = await lastValueFrom(
      followJob(client, 'mirror', start, { pollInterval: 20 }).pipe(
        concatMap(async (progress) => {
          if (progress.status === 'ready' && !completing) {
            completing = true;
            await client.execute('job-complete', { id: 'mirror' });
          }
          return progress;
        }),
        toArray(),
      ),
    );
    expect(completing).toBe(true);
    expect(statuses(seen)).toEqual(expect.arrayContaining(['created', 'running', 'ready', 'concluded']));
  });

  it('fails with JobError when the job is cancelled', async () => {
    const start = (): Promise<unknown> =>
      client.execute('blockdev-backup', {
        'job-id': 'slow',
        device: 'target',
        target: 'source',
        sync: 'full',
        speed: 1,
      });
    const outcome = lastValueFrom(
      followJob(client, 'slow', start).pipe(
        concatMap(async ({ status }) => {
          if (status === 'running') await client.execute('job-cancel', { id: 'slow' }).catch(() => EMPTY);
          return status;
        }),
        toArray(),
      ),
    );
    await expect(outcome).rejects.toMatchObject({ name: 'JobError', job: 'slow', desc: 'the job was cancelled' });
  });

  it('fails with the words of QEMU when the job fails', async () => {
    await client.execute('blockdev-add', {
      driver: 'blkdebug',
      'node-name': 'broken',
      image: 'target',
      'inject-error': [{ event: 'none', iotype: 'write', errno: 28, immediately: false }],
    });
    const start = (): Promise<unknown> =>
      client.execute('blockdev-backup', { 'job-id': 'fails', device: 'source', target: 'broken', sync: 'full' });
    await expect(lastValueFrom(followJob(client, 'fails', start))).rejects.toMatchObject({
      name: 'JobError',
      job: 'fails',
      desc: 'No space left on device',
    });
    await client.execute('blockdev-del', { 'node-name': 'broken' });
  });

  it('fails with the words of QEMU when a job that waits for job-dismiss failed', async () => {
    const failure = lastValueFrom(
      followJob(client, 'nowhere', () => createFile('nowhere', 'no/such/folder/x.img', MIB)),
    );
    await expect(failure).rejects.toThrow(JobError);
    await expect(failure).rejects.toThrow(/no\/such\/folder/);
    await client.execute('job-dismiss', { id: 'nowhere' });
  });

  it('fails with what the start rejects with', async () => {
    const start = (): Promise<unknown> =>
      client.execute('blockdev-backup', { 'job-id': 'x', device: 'nothing', target: 'source', sync: 'full' });
    await expect(lastValueFrom(followJob(client, 'x', start))).rejects.toThrow(ExecuteError);
  });

  it('fails when the command starts no job of that id, instead of waiting for ever', async () => {
    await expect(lastValueFrom(followJob(client, 'other', () => client.execute('query-status')))).rejects.toMatchObject(
      {
        name: 'JobError',
        job: 'other',
      },
    );
  });

  it('does not take an older job with the same id for the one it starts', async () => {
    await lastValueFrom(followJob(client, 'twice', () => createFile('twice', 'b.img', MIB)));
    await expect(lastValueFrom(followJob(client, 'twice', () => createFile('twice', 'c.img', MIB)))).rejects.toThrow(
      ExecuteError,
    );
    await client.execute('job-dismiss', { id: 'twice' });
  });

  it('cancels nothing when it is unsubscribed from', async () => {
    const start = (): Promise<unknown> =>
      client.execute('blockdev-backup', {
        'job-id': 'left',
        device: 'target',
        target: 'source',
        sync: 'full',
        speed: 1,
      });
    await lastValueFrom(followJob(client, 'left', start).pipe(take(2)));
    expect(await client.execute('query-jobs')).toMatchObject([{ id: 'left' }]);
    const gone = client.listener('JOB_STATUS_CHANGE', ({ data }) => data.status === 'null');
    await client.execute('job-cancel', { id: 'left' });
    await gone.get({ timeout: 5_000 });
    gone.close();
  });

  it('fails with DisconnectedError when the VM dies', async () => {
    const other = await startQemu();
    const its = await connect(other.address);
    const start = (): Promise<unknown> => its.execute('query-status').then(() => other.kill());
    await expect(lastValueFrom(followJob(its, 'any', start))).rejects.toMatchObject({
      name: expect.stringMatching(/DisconnectedError|JobError/) as string,
    });
    await its.close();
  });
});
