import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { temporaryFolder } from './temporary-folder.js';
import { preparePackage } from './user-program.js';

const root = join(__dirname, '../..');
const all = readdirSync(join(root, 'examples'))
  .filter((file) => /^\d.*\.ts$/.test(file))
  .sort();

/** The files of the examples: those that need a Linux guest in their VM, and the others. */
export const withGuest = all.filter((file) => file.includes('-guest-'));
export const withoutGuest = all.filter((file) => !withGuest.includes(file));

/** What the comment at an example's top says: the idea, and what it prints; `…` stands for what differs each time. */
export function headerOf(file: string): { idea: string; prints: string[] } {
  const [idea = '', ...rest] = sourceOf(file)
    .split('\n')
    .filter((_line, index, lines) => lines.slice(0, index + 1).every((one) => one.startsWith('// ')))
    .map((line) => line.slice(3));
  return { idea, prints: rest.map((line) => line.replace(/^→ /, '')) };
}

/** What is printed where these lines are promised. */
export function patternOf(lines: readonly string[]): RegExp {
  const escaped = lines.map((line) => `${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '\\S+')}\n`);
  return new RegExp(`^${escaped.join('')}$`);
}

function sourceOf(file: string): string {
  return readFileSync(join(root, 'examples', file), 'utf8');
}

/** A copy of this package in which examples are run, each as a process of its own. */
export class ExamplesFolder {
  readonly #folder = temporaryFolder();
  readonly #timeout: number;
  readonly #temporary: string | undefined;

  /**
   * @param timeout milliseconds that an example may take
   * @param temporary the folder that they take for that of temporary files
   */
  constructor(timeout = 20_000, temporary?: string) {
    this.#timeout = timeout;
    this.#temporary = temporary;
  }

  /** Copies what the examples share; `dist` must have been built. */
  prepare(): void {
    const { path } = this.#folder;
    preparePackage(path);
    mkdirSync(join(path, 'examples/support'), { recursive: true });
    this.compile('support/backup', sourceOf('support/backup.ts'));
  }

  /** Compiles what a user would: the name of this package leads to `dist`. */
  compile(name: string, source: string): string {
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const path = join(this.#folder.path, `examples/${name}.js`);
    writeFileSync(path, outputText);
    return path;
  }

  /** Runs an example, and resolves with what it printed. */
  async runExample(file: string, ...args: readonly string[]): Promise<string> {
    return this.run(this.compile(file.replace('.ts', ''), sourceOf(file)), ...args);
  }

  /** Runs a program of Node's, which must print nothing on stderr. */
  async run(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, ...(this.#temporary !== undefined && { TMPDIR: this.#temporary }) };
    const options = { cwd: this.#folder.path, timeout: this.#timeout, env };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
    expect(stderr).toBe('');
    return stdout;
  }

  remove(): void {
    this.#folder.remove();
  }
}
