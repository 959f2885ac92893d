import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as rxQmp from 'rx-qmp';
import * as rxQmpNode from 'rx-qmp/node';
import ts from 'typescript';
import { greeting } from './support/scripted-server.js';
import { temporaryFolder } from './support/temporary-folder.js';

const CONTROL = '/run/systemd/machine/vm1.control';

/** The program of docs/attach.md for systemd-vmspawn, on another control socket; resolves with its client. */
async function program(control: string): Promise<rxQmp.QmpClient> {
  const page = readFileSync(join(__dirname, '../docs/attach.md'), 'utf8');
  const code = page.split('## systemd-vmspawn\n')[1]?.match(/```ts\n(.*?)```/s)?.[1] ?? '';
  expect(code).toContain(CONTROL);
  const { outputText } = ts.transpileModule(code.replace(CONTROL, control), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const run = compileFunction(`return (async () => { ${outputText}\nreturn { vm }; })();`, ['require', 'exports']) as (
    ...given: unknown[]
  ) => Promise<{ vm: rxQmp.QmpClient }>;
  const modules: Record<string, unknown> = { 'rx-qmp': rxQmp, 'rx-qmp/node': rxQmpNode };
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- of Node's own modules
  return (await run((name: string): unknown => modules[name] ?? (require(name) as unknown), {})).vm;
}

describe('the program for systemd-vmspawn, before a stand-in', () => {
  const folder = temporaryFolder();
  const path = join(folder.path, 'control');
  let asked: string[] = [];
  let answer: (socket: Socket) => void;
  const server = createServer((socket) => {
    socket.setEncoding('utf8');
    socket.once('data', (text: string) => {
      asked.push(text);
      answer(socket);
      socket.on('data', (line: string) => {
        for (const { id } of line
          .split('\n')
          .filter(Boolean)
          .map((one) => JSON.parse(one) as { id: number })) {
          socket.write(`${JSON.stringify({ return: { running: true }, id })}\n`);
        }
      });
    });
  });
  beforeAll(async () => {
    server.listen(path);
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
    folder.remove();
  });
  beforeEach(() => {
    asked = [];
  });

  it('asks for a monitor and speaks QMP from then on', async () => {
    for (const parts of [[`{"parameters":{}}\0${greeting()}`], ['{"para', 'meters":{}}', '\0', greeting()]]) {
      answer = (socket) => {
        for (const part of parts) socket.write(part);
      };
      const vm = await program(path);
      expect(await vm.execute('query-status')).toEqual({ running: true });
      await vm.close();
    }
    expect(asked[0]).toBe('{"method":"io.systemd.QemuMachineInstance.AcquireQMP","upgrade":true}\0');
  });

  it('says what systemd says', async () => {
    answer = (socket) => {
      socket.end('{"error":"io.systemd.MachineInstance.NotSupported"}\0');
    };
    await expect(program(path)).rejects.toThrow('AcquireQMP: io.systemd.MachineInstance.NotSupported');
  });
});
