import { QmpClient } from 'rx-qmp';
import { guestAgent, guestExec, withFrozenFilesystems, type GuestCommandMap } from 'rx-qmp/guest';
import { collect, unlisted } from '../support/wire.js';
import { ScriptedAgent, type Asked } from './scripted-agent.js';

describe('guestAgent', () => {
  let agent: ScriptedAgent;
  let client: QmpClient<GuestCommandMap>;

  beforeEach(() => {
    agent = new ScriptedAgent();
    client = new QmpClient(guestAgent(agent.connector));
  });
  afterEach(() => client.close());

  it('greets with the version of the agent, takes capabilities, and then its commands', async () => {
    const greeting = await client.connect();
    expect(greeting.QMP).toEqual({
      version: { qemu: { major: 7, minor: 2, micro: 22 }, package: 'qemu-ga' },
      capabilities: [],
    });
    expect(client.name).toBe('agent of scripted');
    const asked = agent.next();
    const time = client.execute('guest-get-time');
    agent.answer(await asked, 5);
    expect(await time).toBe(5);
    expect(agent.asked.map(({ execute }) => execute)).toEqual(['guest-get-time']);
  });

  it.each([
    ['replies to others', ['{"return": 1}\n{"return": {"a": 1}, "id": 3}\n']],
    ['half a reply', ['{"return": {"buf-b64": "AAAA']],
    ['the answer to an older synchronisation', [Uint8Array.of(0xff), '{"return": 17}\n']],
    [
      'a complaint about what somebody left',
      ['{"error": {"class": "GenericError", "desc": "JSON parse error, stray"}}\n'],
    ],
    [
      'bytes that mean nothing',
      [Uint8Array.from({ length: 3000 }, (_, at) => at % 256), Uint8Array.of(0xff, 0xff, 10)],
    ],
    ['a flood without a line end', Array.from({ length: 300 }, () => 'x'.repeat(10_000))],
  ])('skips %s until the answer to its own question (G1)', async (_what, stale) => {
    agent.stale = stale;
    await client.connect();
    expect(agent.synchronised).toBe(1);
    const asked = agent.next();
    const pinged = client.execute('guest-ping');
    agent.answer(await asked, {});
    expect(await pinged).toEqual({});
    expect(client.stats.faults).toBe(0);
  });

  it('finds the answer when it comes byte by byte', async () => {
    agent.byteByByte = true;
    agent.stale = ['{"return": 5}\n{"ret'];
    await client.connect();
    const asked = agent.next();
    const name = client.execute('guest-get-host-name');
    agent.answer(await asked, { 'host-name': 'größe' });
    expect(await name).toEqual({ 'host-name': 'größe' });
  });

  it('sends one command at a time (G1)', async () => {
    await client.connect();
    const both = Promise.all([client.execute('guest-get-time'), client.execute('guest-get-host-name')]);
    expect(agent.asked).toHaveLength(1);
    agent.answer(agent.asked[0] as Asked, 5);
    expect(agent.asked).toHaveLength(2);
    agent.answer(agent.asked[1] as Asked, { 'host-name': 'vm1' });
    expect(await both).toEqual([5, { 'host-name': 'vm1' }]);
  });

  it('puts the line in order after a command that timed out: its late reply answers nothing else (G1)', async () => {
    await client.connect();
    const asked = agent.next();
    const late = client.execute('guest-get-host-name', undefined, { timeout: 20 });
    const { id } = await asked;
    agent.stale = [`{"return": {"host-name": "late"}, "id": ${String(id)}}\n`, '{"return": "half'];
    await expect(late).rejects.toMatchObject({ name: 'ExecTimeoutError' });
    expect(agent.synchronised).toBe(2);
    const next = agent.next();
    const time = client.execute('guest-get-time');
    agent.answer(await next, 7);
    expect(await time).toBe(7);
    expect(client.stats.faults).toBe(0);
  });

  it('sends nothing while the agent does not answer the synchronisation, and nothing that was given up meanwhile', async () => {
    await client.connect();
    const aborted = new AbortController();
    agent.silent = true;
    const first = client.execute('guest-get-time', undefined, { signal: aborted.signal });
    aborted.abort(new Error('first'));
    await expect(first).rejects.toThrow('first');
    await expect(client.execute('guest-get-host-name', undefined, { timeout: 20 })).rejects.toMatchObject({
      name: 'ExecTimeoutError',
    });
    expect(agent.asked.map(({ execute }) => execute)).toEqual([]);
  });

  it('resolves commands that the agent answers only by a refusal, after a short wait for one (G2)', async () => {
    await client.connect();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const settled = jest.fn();
      void client.execute('guest-shutdown', { mode: 'reboot' }).then(settled);
      await jest.advanceTimersByTimeAsync(999);
      expect(settled).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(1);
      expect(settled).toHaveBeenCalledWith({});
    } finally {
      jest.useRealTimers();
    }
  });

  it('rejects such a command where the agent refuses it, and resolves it where the guest is gone at once (G2)', async () => {
    await client.connect();
    const asked = agent.next();
    const suspended = client.execute('guest-suspend-disk');
    agent.refuse(await asked, 'not supported');
    await expect(suspended).rejects.toMatchObject({ name: 'ExecuteError', desc: 'not supported' });
    const shutdown = client.execute('guest-shutdown');
    agent.hangUp();
    expect(await shutdown).toEqual({});
  });

  it('asks a quiet agent whether it is there by a command that it has', async () => {
    await client.connect();
    const asked = agent.next();
    const answer = client.execute(unlisted('query-version'));
    expect(await asked).toMatchObject({ execute: 'guest-ping' });
    agent.answer(await asked, {});
    expect(await answer).toEqual({});
  });

  it('says that the agent does not answer (G3)', async () => {
    agent.silent = true;
    client = new QmpClient(guestAgent(agent.connector), { connectTimeout: 30 });
    await expect(client.connect()).rejects.toMatchObject({
      name: 'ConnectError',
      message: expect.stringMatching(/within 30 ms: the guest agent does not answer/) as string,
    });
    expect(agent.closed).toBe(1);
  });

  it('fails to connect where the line ends, or its signal aborts, before the agent has answered', async () => {
    agent.silent = true;
    const connecting = client.connect();
    await new Promise(setImmediate);
    agent.hangUp(new Error('gone'));
    await expect(connecting).rejects.toThrow('the line to the guest agent ended before the agent answered');
    const reason = new Error('enough');
    const controller = new AbortController();
    const again = client.connect({ signal: controller.signal });
    await new Promise(setImmediate);
    controller.abort(reason);
    await expect(again).rejects.toBe(reason);
    expect(agent.closed).toBe(2);
  });

  it('interrupts what is unanswered when the line breaks', async () => {
    await client.connect();
    const asked = agent.next();
    const time = client.execute('guest-get-time');
    await asked;
    agent.hangUp(new Error('read ECONNRESET'));
    await expect(time).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    expect(client.state).toMatchObject({ phase: 'closed' });
  });

  it('lives through an agent that sends what nobody asked for', async () => {
    await client.connect();
    const diagnostics = collect(client.diagnostics$);
    agent.send('nonsense\n{"return": {}, "id": 999}\n{"event": "NOT_THERE"}\n');
    const asked = agent.next();
    const time = client.execute('guest-get-time');
    agent.answer(await asked, 7);
    expect(await time).toBe(7);
    expect(diagnostics.length).toBeGreaterThan(1);
  });

  describe('withFrozenFilesystems', () => {
    const handled: string[] = [];
    beforeEach(async () => {
      handled.length = 0;
      await client.connect();
      agent.onAsked = (asked) => {
        handled.push(asked.execute);
        agent.answer(asked, 1);
      };
    });

    it('thaws after the action, also where it fails', async () => {
      expect(await withFrozenFilesystems(client, () => 'done')).toBe('done');
      expect(handled).toEqual(['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw']);
      const action = (): Promise<never> => Promise.reject(new Error('no space'));
      await expect(withFrozenFilesystems(client, action)).rejects.toThrow('no space');
      expect(handled.slice(2)).toEqual(['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw']);
    });

    it('thaws in a new session where the first is lost, and does not act where freezing fails', async () => {
      await withFrozenFilesystems(client, () => {
        agent.hangUp(new Error('lost'));
      });
      expect(handled).toEqual(['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw']);
      agent.onAsked = (asked) => {
        agent.refuse(asked, 'not supported');
      };
      const action = jest.fn();
      await expect(withFrozenFilesystems(client, action)).rejects.toMatchObject({ name: 'ExecuteError' });
      expect(action).not.toHaveBeenCalled();
    });

    it('says that the guest may still be frozen', async () => {
      const action = (): void => {
        agent.onAsked = (asked) => {
          agent.refuse(asked, 'hook failed');
        };
      };
      await expect(withFrozenFilesystems(client, action)).rejects.toThrow(
        /the guest's filesystems may still be frozen: .*hook failed/,
      );
    });
  });

  describe('guestExec', () => {
    it('rejects where the program takes too long, or the signal aborts', async () => {
      await client.connect();
      agent.onAsked = (asked) => {
        agent.answer(asked, asked.execute === 'guest-exec' ? { pid: 17 } : { exited: false });
      };
      await expect(guestExec(client, '/bin/sleep', ['secret'], { timeout: 20 })).rejects.toMatchObject({
        name: 'ExecTimeoutError',
        message: expect.stringMatching(
          /^agent of scripted: guest-exec: the program still runs after 20 ms, with pid 17/,
        ) as string,
      });
      const reason = new Error('enough');
      await expect(guestExec(client, '/bin/sleep', [], { signal: AbortSignal.timeout(20) })).rejects.toThrow('timeout');
      await expect(guestExec(client, '/bin/sleep', [], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });
  });
});
