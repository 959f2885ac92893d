import { execFile } from 'node:child_process';
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const root = join(__dirname, '../..');

/** Makes a folder a package of its own, in which the name `rx-qmp` leads to `dist`, as in that of a user. */
export function preparePackage(folder: string): void {
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  for (const name of ['dist', 'node_modules']) symlinkSync(join(root, name), join(folder, name));
}

/**
 * Compiles a program into a prepared folder and runs it there, in a process of its own.
 *
 * @returns what it printed
 */
export async function runProgram(folder: string, source: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const path = join(folder, 'program.js');
  writeFileSync(path, outputText);
  const options = { cwd: folder, timeout: 90_000, env: { ...process.env, ...env } };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], options);
  if (stderr !== '') throw new Error(stderr);
  return stdout;
}
