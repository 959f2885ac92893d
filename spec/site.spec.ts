import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './support/temporary-folder.js';

const root = join(__dirname, '..');

describe('the documents site', () => {
  const site = temporaryFolder();
  let log: string;
  const idsOf = new Map<string, ReadonlySet<string>>();

  beforeAll(async () => {
    const typedoc = join(root, 'node_modules/.bin/typedoc');
    const { stdout, stderr } = await promisify(execFile)(typedoc, ['--out', site.path], { cwd: root });
    log = stdout + stderr;
    for (const page of readdirSync(site.path, { recursive: true, encoding: 'utf8' })) {
      if (!page.endsWith('.html')) continue;
      const html = readFileSync(join(site.path, page), 'utf8');
      idsOf.set(page, new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id)));
    }
  }, 120_000);
  afterAll(() => {
    site.remove();
  });

  it('is made without a warning', () => {
    expect(log).not.toMatch(/warning|error/i);
  });

  it('has every entry of the package, and every page of docs', () => {
    const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      name: string;
      exports: object;
    };
    const entries = Object.keys(exports).filter((path) => path !== './package.json');
    const modules = entries.map((path) => `modules/${path.replace('.', name).replaceAll('/', '_')}.html`);
    expect(modules.filter((page) => !idsOf.has(page))).toEqual([]);
    const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
    const pages = guides.map((name) => `documents/${name.replace('.md', '.html')}`);
    expect(pages.filter((page) => !idsOf.has(page))).toEqual([]);
  });

  it('has no link that leads nowhere', () => {
    const faults = [...idsOf.keys()].flatMap((page) => {
      const html = readFileSync(join(site.path, page), 'utf8');
      const links = [...html.matchAll(/ (?:href|src)="([^"]+)"/g)].map(([, link = '']) => link);
      const inside = links.filter((link) => !/^[a-z]+:/.test(link));
      return inside.filter((link) => !leadsSomewhere(page, link)).map((link) => `${page}: ${link}`);
    });
    expect(faults).toEqual([]);
  });

  it("leads from README to the site's own pages", () => {
    const html = readFileSync(join(site.path, 'index.html'), 'utf8');
    expect(html).toContain('href="documents/attach.html#proxmox-ve"');
    expect(html).not.toMatch(/href="[^"]*\/blob\/main\/docs\//);
  });

  it('leads from the reference to the sources', () => {
    const html = readFileSync(join(site.path, 'classes/rx-qmp.QmpClient.html'), 'utf8');
    const [, source = ''] = /href="https:\/\/github\.com\/rx-qmp\/rx-qmp\/blob\/main\/([^"#]+)#L\d+"/.exec(html) ?? [];
    expect(source).toBe('src/client/qmp-client.ts');
    expect(existsSync(join(root, source))).toBe(true);
  });

  function leadsSomewhere(page: string, link: string): boolean {
    const [path = '', anchor] = decodeURI(link).split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(site.path, target))) return false;
    return !anchor || idsOf.get(target)?.has(anchor) !== false;
  }
});
