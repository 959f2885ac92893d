// Installs the packed package on each platform that it claims, and uses it there: npm run platforms [-- --quick] [-- NAME …]
// A full run writes docs/platforms.md. Each platform is a folder of its own with packages from the registry.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { machine, tmpdir, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true });
const ENTRY = { type: 'module', private: true };

/**
 * @typedef {object} Platform
 * @property {string} name
 * @property {string[]} packages besides rx-qmp and rxjs
 * @property {(folder: string) => Promise<unknown>} use fails where the package does not work
 * @property {string} [version] the package whose version the table shows; the first of `packages` else
 * @property {boolean | undefined} [quick] true for the short form
 */

/** @param {string} program @param {string[]} args */
const works = async (folder, program, ...args) => {
  const { stdout, stderr } = await run(program, args, { cwd: folder, timeout: 120_000 });
  if (!/^works$/m.test(stdout)) throw new Error(`printed ${stdout}${stderr}`);
};
const bin = (folder, name) => join(folder, 'node_modules/.bin', name);
const smoke =
  (program, ...args) =>
  (folder) =>
    works(folder, bin(folder, program), ...args, 'smoke.js');

/** @type {(line: string, quick?: boolean) => Platform} */
const node = (line, quick) => ({ name: `Node ${line}`, packages: [`node@${line}`], use: smoke('node'), quick });

/** @type {(range: string, quick?: boolean) => Platform} */
const typescript = (range, quick) => ({
  name: `TypeScript ${range}, nodenext and bundler`,
  packages: [`typescript@${range}`, '@types/node@20'],
  quick,
  use: async (folder) => {
    for (const [module, resolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      const options = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022', '--types', 'node'];
      const how = ['--module', module, '--moduleResolution', resolution, '--skipLibCheck', 'false'];
      await run(bin(folder, 'tsc'), [...options, ...how, 'typed.ts'], { cwd: folder });
    }
  },
});

/** @type {(major: number, node: number) => Platform} */
const angular = (major, node) => ({
  name: `Angular ${major}`,
  packages: [`@angular/core@${major}`, `@angular/compiler@${major}`, `node@${node}`],
  use: (folder) => works(folder, bin(folder, 'node'), 'angular.js'),
});

/** The first program of the README as it is printed there, in TypeScript that Node runs by itself. @type {(line: string, quick?: boolean) => Platform} */
const firstProgram = (line, quick) => ({
  name: `The first program of the README, node first.ts on Node ${line}`,
  packages: [`node@${line}`],
  quick,
  use: async (folder) => {
    const chapter = readFileSync(join(root, 'README.md'), 'utf8').split('## A first program\n')[1] ?? '';
    const [, program = ''] = /```ts\n(.*?)```/s.exec(chapter) ?? [];
    const { serve } = await import('../dist/node.js');
    const { FakeQemu } = await import('../dist/testing.js');
    const served = await serve(new FakeQemu().connector, 0);
    writeFileSync(join(folder, 'first.ts'), program.replace('unix:/tmp/vm1.qmp', served.address));
    const { stdout } = await run(bin(folder, 'node'), ['first.ts'], { cwd: folder, timeout: 60_000 }).finally(() =>
      served.close(),
    );
    if (!/^the VM is running\nSTOP \d+\nRESUME \d+\n$/.test(stdout)) throw new Error(`it printed ${stdout}`);
  },
});

/** @type {Platform[]} */
const platforms = [
  node('20.19', true),
  node('22'),
  node('24', true),
  node('26'),
  firstProgram('22'),
  firstProgram('24'),
  { name: 'Bun', packages: ['bun'], use: smoke('bun', 'run') },
  { name: 'Deno', packages: ['deno'], use: smoke('deno', 'run', '--allow-all', '--node-modules-dir=manual') },
  typescript('5.4', true),
  typescript('5.9'),
  typescript('6.0'),
  typescript('7.0'),
  {
    name: 'esbuild',
    packages: ['esbuild'],
    quick: true,
    use: async (folder) => {
      await run(bin(folder, 'esbuild'), ['browser.js', '--bundle', '--format=esm', '--outfile=out.js'], {
        cwd: folder,
      });
      await works(folder, process.execPath, 'out.js');
    },
  },
  {
    name: 'webpack',
    packages: ['webpack'],
    use: async (folder) => {
      const options = `{ entry: './browser.js', mode: 'production', target: 'web', output: { path: ${JSON.stringify(folder)}, filename: 'out.cjs' } }`;
      const build = `import webpack from 'webpack'; webpack(${options}, (error, stats) => { const wrong = error ?? stats.compilation.errors[0]; if (wrong) throw wrong; });`;
      writeFileSync(join(folder, 'build.js'), build);
      await run(process.execPath, ['build.js'], { cwd: folder });
      await works(folder, process.execPath, 'out.cjs');
    },
  },
  {
    name: 'Vite',
    packages: ['vite'],
    use: async (folder) => {
      writeFileSync(
        join(folder, 'vite.config.js'),
        "export default { build: { lib: { entry: 'browser.js', formats: ['es'], fileName: () => 'out.js' }, minify: true } };",
      );
      await run(bin(folder, 'vite'), ['build'], { cwd: folder });
      await works(folder, process.execPath, 'dist/out.js');
    },
  },
  angular(21, 20),
  angular(22, 24),
  {
    name: 'React 19, Vue 3, Svelte 5, NestJS 11, MCP: the types of docs/frameworks.md',
    packages: [
      ...['typescript@6', '@types/node@20', 'react@19', '@types/react@19', 'vue@3', 'svelte@5'],
      ...['@nestjs/common@11', '@nestjs/core@11', 'reflect-metadata', '@modelcontextprotocol/sdk@1', 'zod'],
    ],
    use: async (folder) => {
      const page = readFileSync(join(root, 'docs/frameworks.md'), 'utf8');
      const blocks = [...page.matchAll(/^```ts frameworks\n(.*?)^```$/gms)].map(([, code]) => code);
      if (blocks.length < 5) throw new Error('the blocks of docs/frameworks.md were not found');
      const files = blocks.map((_block, index) => `block-${index}.ts`);
      for (const [index, code = ''] of blocks.entries()) writeFileSync(join(folder, `block-${index}.ts`), code);
      const options = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022,dom', '--types', 'node'];
      const how = ['--module', 'nodenext', '--experimentalDecorators', '--skipLibCheck'];
      await run(bin(folder, 'tsc'), [...options, ...how, ...files], { cwd: folder });
    },
  },
  {
    name: 'Jest',
    packages: ['jest@30'],
    use: (folder) => {
      const jest = join(folder, 'node_modules/jest/bin/jest.js');
      return run(process.execPath, ['--experimental-vm-modules', jest, '--transform={}'], { cwd: folder });
    },
  },
  {
    name: 'Vitest',
    packages: ['vitest'],
    use: (folder) => run(bin(folder, 'vitest'), ['run', '--globals'], { cwd: folder }),
  },
];

const home = mkdtempSync(join(tmpdir(), 'rx-qmp-platforms-'));
try {
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', home], { cwd: root });
  const tarball = join(home, readdirSync(home)[0]);
  const chosen = platforms.filter(({ name, quick }) =>
    positionals.length > 0
      ? positionals.some((one) => name.toLowerCase().includes(one.toLowerCase()))
      : !values.quick || quick,
  );
  const rows = [];
  for (const one of chosen) rows.push(await tried(one, tarball));
  const table = ['| platform | tried with | result |', '|---|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)];
  console.log(table.join('\n'));
  if (chosen.length === platforms.length) {
    const page = join(root, 'docs/platforms.md');
    const day = new Date().toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
    const text = `The last full run, ${type()} on ${machine()}, ${day}:\n\n${table.join('\n')}`;
    writeFileSync(
      page,
      readFileSync(page, 'utf8').replace(/(<!-- table -->\n).*?(<!-- end -->)/s, `$1\n${text}\n\n$2`),
    );
  }
  if (rows.some(([, , result]) => result !== 'works')) process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true });
}

/** @param {Platform} platform @returns {Promise<[string, string, string]>} */
async function tried({ name, packages, use }, tarball) {
  const folder = join(home, name.replace(/\W/g, '-'));
  mkdirSync(folder);
  cpSync(join(root, 'scripts/platforms'), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(ENTRY));
  let version = '';
  let result = 'works';
  try {
    const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    await run('npm', ['install', ...quietly, tarball, 'rxjs@7', ...packages], { cwd: folder });
    const [first = ''] = packages;
    const installed = join(folder, 'node_modules', first.replace(/(?<!^)@.*/, ''), 'package.json');
    ({ version } = JSON.parse(readFileSync(installed, 'utf8')));
    await use(folder);
  } catch (error) {
    const { message, stdout = '', stderr = '' } = /** @type {Error & { stdout?: string, stderr?: string }} */ (error);
    console.error(`${name}: ${message}\n${stdout}${stderr}`);
    result = 'FAILS';
  }
  console.error(`${name} ${version} ${result}`);
  return [name, version, result];
}
