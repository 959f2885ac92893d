import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(__dirname, '..');
/** Every file of the repository: what a link leads to must not be there on this machine alone. */
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => existsSync(join(root, file)));
const folders = new Set(tracked.flatMap((file) => ancestorsOf(file)));
const pages = tracked.filter((file) => file.endsWith('.md'));
const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { repository: { url: string } };
const HOME = repository.url.replace(/^git\+|\.git$/g, '');

function ancestorsOf(file: string): string[] {
  const parent = dirname(file);
  return parent === '.' ? [parent] : [parent, ...ancestorsOf(parent)];
}

/** A page without its code, which holds brackets that are no links. */
function proseOf(page: string): string {
  return readFileSync(join(root, page), 'utf8')
    .replace(/^```.*?^```$/gms, '')
    .replace(/`[^`\n]*`/g, (code) => 'x'.repeat(code.length));
}

function linksOf(page: string): string[] {
  const prose = proseOf(page);
  const inline = [...prose.matchAll(/\]\(([^)\s]+)\)/g)];
  const references = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
  return [...inline, ...references].map(([, target = '']) => target);
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8').replace(/^```.*?^```$/gms, '');
  const seen = new Map<string, number>();
  return [...text.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/`/g, '');
    const anchor = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** The path within the repository, or undefined for what lies elsewhere. */
function pathOf(page: string, target: string): string | undefined {
  if (!/^[a-z]+:/.test(target)) return target === '' ? page : relative(root, join(root, dirname(page), target));
  const [, path] = new RegExp(`^${HOME}/(?:blob|tree|raw)/main/(.*)$`).exec(target) ?? [];
  return path?.replace(/\/$/, '');
}

/** What is wrong with a link, if anything. */
function faultOf(page: string, link: string): string | undefined {
  const [target = '', anchor] = link.split('#');
  const path = pathOf(page, target);
  if (path === undefined) return undefined;
  if (!tracked.includes(path) && !folders.has(path || '.')) return 'no such file';
  if (anchor !== undefined && !anchorsOf(path).includes(anchor)) return `no such heading in ${path}`;
  return undefined;
}

describe('the links of the documentation', () => {
  it('are found', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/recipes.md', 'examples/README.md']));
    expect(linksOf('README.md').length).toBeGreaterThan(40);
    expect(anchorsOf('docs/attach.md')).toContain('proxmox-ve');
  });

  it.each(pages)('lead to files and headings that are there, in %s', (page) => {
    const faults = linksOf(page).flatMap((link) => {
      const fault = faultOf(page, link);
      return fault === undefined ? [] : [`${link}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  // A registry shows README alone. It leads relative pictures to the repository, where they are written as Markdown.
  it('work in README on a page of a registry, too', () => {
    const relativeLinks = linksOf('README.md').filter((link) => !/^(https:|#)/.test(link));
    const pictures = [...proseOf('README.md').matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, target]) => target);
    expect(relativeLinks).toEqual(pictures);
    expect(proseOf('README.md')).not.toMatch(/<img|<a /);
    expect(HOME).toMatch(/^https:\/\/github\.com\/[\w-]+\/[\w-]+$/);
  });

  it('are right where prose and comments name a page of docs without one', () => {
    const named = tracked
      .filter((file) => /\.(ts|js|md|cjs)$/.test(file) && !file.startsWith('src/protocol/q'))
      .flatMap((file) =>
        [...readFileSync(join(root, file), 'utf8').matchAll(/(?<![\w/.])docs\/([a-z-]+\.md)/g)].map(([, name]) => ({
          file,
          name,
        })),
      )
      .filter(({ name }) => !tracked.includes(`docs/${name}`));
    expect(named).toEqual([]);
  });
});
