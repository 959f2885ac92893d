import { filter, firstValueFrom } from 'rxjs';
import { QmpClient, type ConnectionState } from 'rx-qmp';
import { libvirt } from 'rx-qmp/libvirt';
import { XdrWriter } from '../../src/libvirt/xdr.js';
import { collect, unlisted } from '../support/wire.js';
import { domainOf, QEMU, REMOTE, ScriptedDaemon, type Call } from './scripted-daemon.js';

describe('libvirt, where the daemon', () => {
  let daemon: ScriptedDaemon;
  let client: QmpClient;

  beforeEach(async () => {
    daemon = new ScriptedDaemon();
    await daemon.start();
    client = new QmpClient(libvirt('vm1', daemon.options));
  });
  afterEach(async () => {
    await client.close();
    await daemon.close();
  });

  function monitorCommand(text: string): Buffer {
    return new XdrWriter().string(text).bytes;
  }

  it('answers as it should: ids are replaced, and long integers stay as they are', async () => {
    await client.close();
    client = new QmpClient(libvirt('vm1', daemon.options), { integers: 'exact' });
    await client.connect();
    daemon.onCall = (call) => {
      call.args.string();
      call.args.take(20);
      expect(call.args.string()).toBe('{"execute":"some","arguments":{"big":18446744073709551615}}');
      daemon.reply(call, monitorCommand('{"return":{"big":18446744073709551615,"id":"libvirt-1"},"id":"libvirt-12"}'));
      return true;
    };
    expect(await client.execute(unlisted('some'), { big: 2n ** 64n - 1n })).toEqual({
      big: 2n ** 64n - 1n,
      id: 'libvirt-1',
    });
  });

  it('announces 2 GB, or fewer bytes than a message has', async () => {
    for (const length of [0x7fffffff, 0x80000000, 27, 0]) {
      const other = new QmpClient(libvirt('vm1', daemon.options));
      await other.connect();
      const used = process.memoryUsage().rss;
      const closed = new Promise<void>((resolve) => {
        other.state$.subscribe({
          next: ({ phase }) => {
            if (phase === 'closed') resolve();
          },
        });
      });
      const bytes = Buffer.alloc(64);
      bytes.writeUInt32BE(length);
      daemon.peer?.write(bytes);
      await closed;
      expect(other.state).toMatchObject({
        cause: { message: expect.stringContaining(`not libvirt's protocol: a message of ${length} bytes`) as string },
      });
      expect(process.memoryUsage().rss - used).toBeLessThan(200 * 1024 * 1024);
      await other.close();
    }
  });

  it('sends garbage from the first byte on', async () => {
    daemon.onCall = () => {
      daemon.peer?.write('HTTP/1.1 400 Bad Request\r\n\r\n');
      return true;
    };
    await expect(client.connect()).rejects.toThrow(
      /what was received is not libvirt's protocol: a message of \d+ bytes/,
    );
  });

  it('sends a reply that ends too early, or announces a longer string than there is', async () => {
    daemon.onCall = (call) => {
      if (call.procedure !== 23) return false;
      daemon.reply(call, new XdrWriter().int(0x7ffffff0).bytes);
      return true;
    };
    await expect(client.connect()).rejects.toThrow(/bytes are announced and 0 are there/);
    daemon.onCall = (call) => {
      if (call.procedure !== 23) return false;
      daemon.reply(call, domainOf('vm1').subarray(0, 12));
      return true;
    };
    await expect(client.connect()).rejects.toThrow(/bytes are announced/);
  });

  it('sends broken events: those that are JSON are heard, the others end it or are dropped', async () => {
    await client.connect();
    const heard = collect(client.events$);
    const diagnostics = collect(client.diagnostics$);
    const monitorEvent = (details: string): void => {
      const head = new XdrWriter().int(1).raw(domainOf('vm1')).string('STOP').int(0).int(5).int(6);
      daemon.event(QEMU, 6, head.present().string(details).bytes);
    };
    monitorEvent('{"a":\n1}');
    monitorEvent('{"a":');
    daemon.event(REMOTE, 999, Buffer.alloc(8));
    daemon.send(1, 2, 3, 4, 5, Buffer.alloc(8));
    daemon.send(REMOTE, 1, 1, 4711, 0, Buffer.alloc(0));
    await client.execute('query-status');
    expect(heard).toEqual([{ event: 'STOP', timestamp: { seconds: 5, microseconds: 6 }, data: { a: 1 } }]);
    expect(diagnostics.map(({ kind }) => kind)).toEqual(['bad-line']);
    const closed = new Promise<void>((resolve) => {
      client.state$.subscribe({
        complete: resolve,
        next: ({ phase }) => {
          if (phase === 'closed') resolve();
        },
      });
    });
    daemon.event(QEMU, 6, Buffer.alloc(4));
    await closed;
    expect(client.state).toMatchObject({ phase: 'closed', cause: { name: 'DisconnectedError' } });
  });

  it('goes away, in the middle of a command or of a handshake', async () => {
    await client.connect();
    daemon.onCall = () => {
      daemon.peer?.destroy();
      return true;
    };
    await expect(client.execute('query-status')).rejects.toMatchObject({ name: 'ExecInterruptedError' });
    await expect(client.connect()).rejects.toMatchObject({ name: 'ConnectError' });
  });

  it('is silent: the attempt ends by its time-out, and leaves nothing open', async () => {
    for (const procedure of [66, 1, 23, 4, 316]) {
      daemon.onCall = (call) => call.procedure === procedure && (call.program !== QEMU || procedure === 4);
      const other = new QmpClient(libvirt('vm1', daemon.options), { connectTimeout: 50 });
      await expect(other.connect()).rejects.toThrow('within 50 ms');
      if (!daemon.peer?.destroyed) await new Promise((resolve) => daemon.peer?.once('close', resolve).resume());
    }
  });

  it('refuses a command: libvirt is busy, say', async () => {
    await client.connect();
    const words = 'Timed out during operation: cannot acquire state change lock';
    daemon.onCall = (call) => {
      daemon.refuse(call, 68, words);
      return true;
    };
    await expect(client.execute('query-status')).rejects.toMatchObject({
      name: 'ExecuteError',
      errorClass: 'GenericError',
      desc: `libvirt: ${words}`,
    });
  });

  it.each([
    [
      'asks for SASL',
      (call: Call) => {
        daemon.reply(call, new XdrWriter().int(1).int(1).bytes);
      },
      /asks for SASL/,
    ],
    [
      'asks for more kinds than there are',
      (call: Call) => {
        daemon.reply(call, new XdrWriter().int(0x7fffffff).bytes);
      },
      /bytes are announced/,
    ],
  ])('%s', async (_what, answer, message) => {
    daemon.onCall = (call) => {
      if (call.procedure !== 66) return false;
      answer(call);
      return true;
    };
    await expect(client.connect()).rejects.toThrow(message);
  });

  it('asks polkit, which lets the user in or not', async () => {
    let refused = true;
    daemon.onCall = (call) => {
      if (call.procedure === 66) daemon.reply(call, new XdrWriter().int(1).int(2).bytes);
      else if (call.procedure === 70 && refused) {
        daemon.refuse(call, 45, 'authentication failed: access denied by policy');
      } else return false;
      return true;
    };
    await expect(client.connect()).rejects.toThrow(/access denied by policy; a polkit rule .* group libvirt/);
    refused = false;
    await client.connect();
    expect(daemon.calls.filter(({ procedure }) => procedure === 70)).toHaveLength(2);
  });

  it('tells that the domain has stopped: without a SHUTDOWN that is a loss, and says why', async () => {
    await client.connect();
    const closed = new Promise<void>((resolve) => {
      client.state$.subscribe({
        next: ({ phase }) => {
          if (phase === 'closed') resolve();
        },
      });
    });
    daemon.event(REMOTE, 318, new XdrWriter().int(2).raw(domainOf('vm1')).int(5).int(2).bytes);
    await closed;
    expect(client.state).toMatchObject({
      cause: { message: expect.stringContaining('the domain has stopped (crashed)') as string },
    });
  });

  describe('fails at `quit`', () => {
    const powerdown = new XdrWriter()
      .int(1)
      .raw(domainOf('vm1'))
      .string('POWERDOWN')
      .int(0)
      .int(5)
      .int(6)
      .absent().bytes;
    const stopped = new XdrWriter().int(2).raw(domainOf('vm1')).int(5).int(5).bytes;

    function ended(): Promise<ConnectionState> {
      return firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'closed')));
    }

    it('since QEMU was faster than libvirt, which has lost the reply and SHUTDOWN: that is an end in good order (C7)', async () => {
      await client.connect();
      let asked = 0;
      daemon.onCall = (call) => {
        daemon.refuse(call, 38, 'Unable to read from monitor: Connection reset by peer');
        asked += 1;
        if (asked === 2) daemon.event(QEMU, 6, powerdown);
        return true;
      };
      // The refusals have been read, and the stop comes only then.
      client.observe('POWERDOWN').subscribe(() => {
        daemon.event(REMOTE, 318, stopped);
      });
      const closed = ended();
      await expect(client.execute('quit')).rejects.toMatchObject({ name: 'ExecInterruptedError' });
      expect(await closed).toEqual({ phase: 'closed' });
    });

    it.each([
      ['while QEMU answers', 1, 1],
      ['before QEMU has got it', 68, 0],
    ])('%s: that is a refusal, and a later stop is a loss', async (_when, code, questions) => {
      await client.connect();
      let asked = -1;
      daemon.onCall = (call) => {
        asked += 1;
        if (asked > 0) return false;
        daemon.refuse(call, code, 'not now');
        return true;
      };
      await expect(client.execute('quit')).rejects.toMatchObject({ name: 'ExecuteError', desc: 'libvirt: not now' });
      expect(asked).toBe(questions);
      const closed = ended();
      daemon.event(REMOTE, 318, stopped);
      expect(await closed).toMatchObject({
        cause: { message: expect.stringContaining('the domain has stopped (failed)') as string },
      });
    });
  });
});
