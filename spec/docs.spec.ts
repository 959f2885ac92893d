import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { compile } from './generate/compile.js';

const root = join(__dirname, '..');
const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const pages = ['README.md', 'SECURITY.md', ...guides.map((name) => `docs/${name}`)];

interface Block {
  /** The page and the line on which its code begins. */
  readonly place: string;
  readonly code: string;
}

/** The blocks marked `ts`; those marked `ts ignore` are no programs. */
function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code = '' }) => ({
    place: `${page}:${text.slice(0, index).split('\n').length + 1}`,
    code,
  }));
}

/** The project's own options, so that a block is held to what the sources are. */
function projectOptions(): ts.CompilerOptions {
  const path = join(root, 'tsconfig.json');
  const { compilerOptions } = ts.readConfigFile(path, (file) => ts.sys.readFile(file)).config as {
    compilerOptions: object;
  };
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, root, path);
  const paths = Object.entries(options.paths ?? {}).map(([name, files]) => [
    name,
    files.map((file) => join(root, file)),
  ]);
  return {
    ...options,
    paths: Object.fromEntries(paths) as Record<string, string[]>,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    noUnusedLocals: false,
    moduleDetection: ts.ModuleDetectionKind.Force,
  };
}

/** What a page may take for granted: a block that declares a `client` of its own hides this one. */
const GIVEN = "declare const client: import('rx-qmp').QmpClient;";

describe('the documentation', () => {
  const blocks = pages.flatMap(blocksOf);

  it('is looked through', () => {
    expect(blocks.length).toBeGreaterThan(10);
  });

  it('has only blocks that compile, each as a module (row 43)', () => {
    const nameOf = ({ place }: Block): string => `docs-${place.replace(/[/:]/g, '-')}.ts`;
    const files = blocks.map((block) => [nameOf(block), block.code]);
    const given = { 'docs-given.d.ts': GIVEN };
    expect(compile({ ...(Object.fromEntries(files) as object), ...given }, projectOptions())).toEqual([]);
  }, 60_000);
});
