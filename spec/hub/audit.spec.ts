import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { temporaryFolder } from '../support/temporary-folder.js';
import { closeAll, startHub, until } from './hub-under-test.js';
import { get, OPERATOR, VIEWER, type Json } from './raw-client.js';

const folder = temporaryFolder();
afterEach(closeAll);
afterAll(() => {
  folder.remove();
});

const asOperator = { Authorization: `Bearer ${OPERATOR}` };

function linesOf(text: string): Json[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);
}

describe('the audit (H8)', () => {
  it('has a line for each command that is no query: who, which VM, what and how it ended (H8)', async () => {
    const auditLog = join(folder.path, 'audit');
    const { hub, client, fake, log } = await startHub({ allow: ['stop', 'set_password', 'quit'], auditLog });
    fake.on('set_password', new Error('no'));
    const [operator, viewer] = [await client(), await client({ token: VIEWER })];
    await operator.ask({ execute: 'query-status', id: 0 });
    operator.send({ execute: 'stop', id: 1 });
    expect(await operator.next()).toMatchObject({ event: 'STOP' });
    await operator.next();
    await operator.ask({ execute: 'set_password', arguments: { protocol: 'vnc', password: 'secret' }, id: 2 });
    expect(await viewer.next()).toMatchObject({ event: 'STOP' });
    await viewer.ask({ execute: 'quit', arguments: { password: 'secret' }, id: 3 });
    const { body } = await get(`${hub.url}/vms/vm1/audit`, asOperator);
    const outcome = (token: string, command: string, ended: string): Json => ({
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      peer: '127.0.0.1',
      token,
      role: token.replace(/-.*/, ''),
      vm: 'vm1',
      command,
      oob: false,
      outcome: ended,
      ms: expect.any(Number) as number,
    });
    const expected = [
      outcome('operator-1', 'stop', 'done'),
      outcome('operator-1', 'set_password', 'error'),
      outcome('viewer-2', 'quit', 'refused'),
    ];
    expect(linesOf(body)).toEqual(expected);
    expect(log).toContainEqual(expect.stringMatching(/^audit operator-1 127\.0\.0\.1 vm1 stop done \d+ ms$/));
    await hub.close();
    expect(linesOf(readFileSync(auditLog, 'utf8'))).toEqual(expected);
    expect(statSync(auditLog).mode & 0o777).toBe(0o600);
    expect(body + log.join('') + readFileSync(auditLog, 'utf8')).not.toContain('secret');
  });

  it('is for operators (H8)', async () => {
    const { hub } = await startHub();
    const headers = { Authorization: `Bearer ${VIEWER}` };
    expect((await get(`${hub.url}/vms/vm1/audit`, headers)).status).toBe(403);
  });

  it('tells the first ten refusals of a command one by one, and the rest in one line (H8)', async () => {
    const { hub, client, log } = await startHub();
    const viewer = await client({ token: VIEWER });
    for (let id = 0; id < 500; id += 1) viewer.send({ execute: 'quit', id });
    await until(() => viewer.size === 500);
    await hub.close();
    const refusals = log.filter((line) => /^audit viewer-2 .* quit refused/.test(line));
    const told = refusals.map((line) => Number(/, (\d+) times$/.exec(line)?.[1] ?? 1));
    expect(told.reduce((sum, times) => sum + times, 0)).toBe(500);
    expect(told.length).toBeLessThan(50);
  });

  it('says which commands were never answered (H8)', async () => {
    const { hub, client, fake } = await startHub({ allow: ['stop'] });
    fake.on('stop', NEVER);
    const one = await client();
    one.send({ execute: 'stop', id: 1 });
    await one.ask({ execute: 'no' });
    fake.kill();
    await one.closed;
    await until(() => hub.vms[0]?.state === 'gone');
    const { body } = await get(`${hub.url}/vms/vm1/audit`, asOperator);
    expect(linesOf(body)).toContainEqual(expect.objectContaining({ command: 'stop', outcome: 'unanswered' }));
  });
});
