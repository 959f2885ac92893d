import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { describeQemu, startQemu, type Qemu } from './support/qemu.js';
import { temporaryFolder } from './support/temporary-folder.js';

jest.setTimeout(30_000);

const root = join(__dirname, '..');
const files = readdirSync(join(root, 'examples')).filter((file) => /^\d.*\.ts$/.test(file));
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What the comment at its top says: the idea, and the lines it prints, where `…` stands for what differs each time. */
function headerOf(file: string): { idea: string; prints: string[] } {
  const [idea = '', ...rest] = textOf(`examples/${file}`)
    .split('\n')
    .filter((_line, index, lines) => lines.slice(0, index + 1).every((one) => one.startsWith('// ')))
    .map((line) => line.slice(3));
  return { idea, prints: rest.map((line) => line.replace(/^→ /, '')) };
}

function patternOf(lines: readonly string[]): RegExp {
  const escaped = lines.map((line) => `${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '\\S+')}\n`);
  return new RegExp(`^${escaped.join('')}$`);
}

describe('examples', () => {
  it.each(files)('%s is in the table with its idea and what it prints', (file) => {
    const { idea, prints } = headerOf(file);
    expect(prints).not.toEqual([]);
    const printed = prints.map((line) => `\`${line}\``).join(', ');
    expect(textOf('examples/README.md').split('\n')).toContain(`| [${file}](${file}) | ${idea} | ${printed} |`);
  });
});

describeQemu('examples, each a process of its own', () => {
  const folder = temporaryFolder();
  let qemu: Qemu;

  /** Compiles what a user would, into a copy of this package: its own name leads to `dist`. */
  function compile(name: string, source: string): string {
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const path = join(folder.path, `examples/${name}.js`);
    writeFileSync(path, outputText);
    return path;
  }

  async function run(...args: string[]): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder.path, timeout: 20_000 });
    expect(stderr).toBe('');
    return stdout;
  }

  beforeAll(async () => {
    mkdirSync(join(folder.path, 'examples/support'), { recursive: true });
    cpSync(join(root, 'package.json'), join(folder.path, 'package.json'));
    for (const name of ['dist', 'node_modules']) symlinkSync(join(root, name), join(folder.path, name));
    compile('support/backup', textOf('examples/support/backup.ts'));
    qemu = await startQemu();
  });

  afterAll(async () => {
    await qemu.stop();
    folder.remove();
  });

  it.each(files)('%s prints what its comment promises (row 43)', async (file) => {
    const compiled = compile(file.replace('.ts', ''), textOf(`examples/${file}`));
    expect(await run(compiled, qemu.address)).toMatch(patternOf(headerOf(file).prints));
  });

  it('leave no job and no disk behind', async () => {
    const left = compile(
      'left',
      `import { connect } from 'rx-qmp/node';
      const client = await connect(process.argv[2]);
      const all = ['query-status', 'query-jobs', 'query-named-block-nodes'].map((command) => client.execute(command));
      console.log(JSON.stringify(await Promise.all(all)));
      await client.close();`,
    );
    expect(JSON.parse(await run(left, qemu.address))).toEqual([expect.objectContaining({ running: true }), [], []]);
  });

  it('run by the command in their README', async () => {
    const script = join(root, 'scripts/run-example.js');
    const [file = ''] = files;
    const output = await run(script, join(root, 'examples', file), qemu.address);
    expect(output).toMatch(patternOf(headerOf(file).prints));
  });

  it('the first program of the README prints what it says there (row 43)', async () => {
    const [, program = '', output = ''] = /```ts\n(.*?)```.*?```\n(.*?)```/s.exec(textOf('README.md')) ?? [];
    expect(program).toContain("'unix:/tmp/vm1.qmp'");
    const compiled = compile('first', program.replace('unix:/tmp/vm1.qmp', qemu.address));
    const prints = output
      .trimEnd()
      .replaceAll(/\d{10}/g, '…')
      .split('\n');
    expect(await run(compiled)).toMatch(patternOf(prints));
  });
});
