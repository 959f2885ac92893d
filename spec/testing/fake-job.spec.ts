import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QmpClient, type QmpEvent } from 'rx-qmp';
import { FakeQemu, type FakeJob, type FakeJobOptions } from 'rx-qmp/testing';

/** What a real QEMU 7.2 sent of a job. */
function recordedOf(job: string): unknown[] {
  return readFileSync(join(__dirname, '../fixtures/qemu-7.2-session.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event"') && line.includes(`"${job}"`))
    .map((line) => shape(JSON.parse(line) as QmpEvent));
}

const shape = ({ event, data }: QmpEvent): unknown => ({ event, data });

describe('the jobs of a FakeQemu', () => {
  let fake: FakeQemu;
  let client: QmpClient;

  beforeEach(async () => {
    fake = new FakeQemu();
    client = new QmpClient(fake.connector);
    await client.connect();
  });
  afterEach(() => client.close());

  const start = (id: string, type: FakeJob['type'], options?: FakeJobOptions): FakeJob =>
    fake.jobs.start(id, type, options);
  const statuses = (): string[] =>
    client.events.history.map(({ event, data }) =>
      event === 'JOB_STATUS_CHANGE' ? (data as { status: string }).status : event,
    );

  it('emit what a mirror of QEMU 7.2 emits', async () => {
    const job = start('mirror0', 'mirror');
    job.progress(4_194_304, 4_194_304);
    job.ready();
    await client.execute('job-complete', { id: 'mirror0' });

    expect(client.events.history.map(shape)).toEqual(recordedOf('mirror0'));
  });

  it('wait for finalize and dismiss where they are told to', async () => {
    const job = start('b0', 'backup', { autoFinalize: false, autoDismiss: false });
    job.finish();
    expect(await client.execute('query-jobs')).toMatchObject([{ id: 'b0', type: 'backup', status: 'pending' }]);
    await client.execute('job-finalize', { id: 'b0' });
    await client.execute('job-dismiss', { id: 'b0' });

    expect(statuses().slice(2)).toEqual([
      'waiting',
      'pending',
      'BLOCK_JOB_PENDING',
      'BLOCK_JOB_COMPLETED',
      'concluded',
      'null',
    ]);
    expect(fake.jobs.list).toEqual([]);
  });

  it('pause and resume, from running and from ready', async () => {
    const job = start('m0', 'mirror');
    await client.execute('job-pause', { id: 'm0' });
    await expect(client.execute('job-pause', { id: 'm0' })).rejects.toThrow('Job is already paused');
    await client.execute('job-resume', { id: 'm0' });
    job.ready();
    await client.execute('job-pause', { id: 'm0' });
    await client.execute('job-resume', { id: 'm0' });

    expect(statuses().slice(2)).toEqual(['paused', 'running', 'ready', 'BLOCK_JOB_READY', 'standby', 'ready']);
  });

  it('end in an error, of their own or by cancelling, and keep it until dismissed', async () => {
    start('b0', 'backup', { autoDismiss: false }).finish('No space left on device');
    start('b1', 'backup', { autoDismiss: false });
    await client.execute('job-cancel', { id: 'b1' });

    expect(await client.execute('query-jobs')).toMatchObject([
      { id: 'b0', status: 'concluded', error: 'No space left on device' },
      { id: 'b1', status: 'concluded', error: 'Operation canceled' },
    ]);
    expect(statuses()).toContain('BLOCK_JOB_CANCELLED');
  });

  it('go when QEMU goes', async () => {
    start('b0', 'backup');
    await client.execute('quit');

    expect(statuses().slice(2)).toEqual(['SHUTDOWN', 'aborting', 'BLOCK_JOB_CANCELLED', 'concluded', 'null']);
  });
});
