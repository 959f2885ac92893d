import { dirname, join } from 'node:path';
import ts from 'typescript';

const root = join(__dirname, '../..');
const parsed = new Map<string, ts.SourceFile | undefined>();

/**
 * What the TypeScript compiler says of files that exist only here, `'main.ts'` and the like, in strict mode and without DOM.
 * They import files of the project as `./src/…` and each other as `./…`.
 */
export function compile(files: Readonly<Record<string, string>>, options: ts.CompilerOptions = {}): string[] {
  const all: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    types: [],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    skipDefaultLibCheck: true,
    ...options,
  };
  const sources = new Map(Object.entries(files).map(([name, text]) => [join(root, name), text]));
  const disk = ts.createCompilerHost(all);
  const host: ts.CompilerHost = {
    ...disk,
    getCurrentDirectory: () => root,
    fileExists: (path) => sources.has(path) || disk.fileExists(path),
    directoryExists: (path) =>
      [...sources.keys()].some((name) => dirname(name) === path) || disk.directoryExists?.(path) === true,
    readFile: (path) => sources.get(path) ?? disk.readFile(path),
    getSourceFile: (path, version) => {
      const text = sources.get(path);
      if (text !== undefined) return ts.createSourceFile(path, text, version);
      if (!parsed.has(path)) parsed.set(path, disk.getSourceFile(path, version));
      return parsed.get(path);
    },
  };
  const program = ts.createProgram([...sources.keys()], all, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line =
      file === undefined
        ? ''
        : `${file.fileName.slice(root.length + 1)}:${file.getLineAndCharacterOfPosition(start ?? 0).line + 1} `;
    return line + ts.flattenDiagnosticMessageText(messageText, ' ');
  });
}
