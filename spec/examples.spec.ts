import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExamplesFolder, headerOf, patternOf, withGuest, withoutGuest } from './support/examples.js';
import { describeQemu, startQemu, type Qemu } from './support/qemu.js';

jest.setTimeout(30_000);

const root = join(__dirname, '..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('examples', () => {
  it.each([...withoutGuest, ...withGuest])('%s is in the table with its idea and what it prints', (file) => {
    const { idea, prints } = headerOf(file);
    expect(prints).not.toEqual([]);
    const printed = prints.map((line) => `\`${line}\``).join(', ');
    expect(textOf('examples/README.md').split('\n')).toContain(`| [${file}](${file}) | ${idea} | ${printed} |`);
  });
});

describeQemu('examples, each a process of its own', () => {
  const folder = new ExamplesFolder();
  let qemu: Qemu;

  beforeAll(async () => {
    folder.prepare();
    qemu = await startQemu();
  });

  afterAll(async () => {
    await qemu.stop();
    folder.remove();
  });

  it.each(withoutGuest)('%s prints what its comment promises (row 43)', async (file) => {
    expect(await folder.runExample(file, qemu.address)).toMatch(patternOf(headerOf(file).prints));
  });

  it('leave no job and no disk behind', async () => {
    const left = folder.compile(
      'left',
      `import { connect } from 'rx-qmp/node';
      const client = await connect(process.argv[2]);
      const all = ['query-status', 'query-jobs', 'query-named-block-nodes'].map((command) => client.execute(command));
      console.log(JSON.stringify(await Promise.all(all)));
      await client.close();`,
    );
    expect(JSON.parse(await folder.run(left, qemu.address))).toEqual([
      expect.objectContaining({ running: true }),
      [],
      [],
    ]);
  });

  it('run by the command in their README', async () => {
    const script = join(root, 'scripts/run-example.js');
    const [file = ''] = withoutGuest;
    const output = await folder.run(script, join(root, 'examples', file), qemu.address);
    expect(output).toMatch(patternOf(headerOf(file).prints));
  });

  it('the first program of the README prints what it says there (row 43)', async () => {
    const [, program = '', output = ''] = /```ts\n(.*?)```.*?```\n(.*?)```/s.exec(textOf('README.md')) ?? [];
    expect(program).toContain("'unix:/tmp/vm1.qmp'");
    const compiled = folder.compile('first', program.replace('unix:/tmp/vm1.qmp', qemu.address));
    const prints = output
      .trimEnd()
      .replaceAll(/\d{10}/g, '…')
      .split('\n');
    expect(await folder.run(compiled)).toMatch(patternOf(prints));
  });
});
