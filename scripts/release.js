// Everything of a release up to publishing: npm run release. It publishes nothing, and writes nothing but docs/platforms.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @param {string} path */
const read = (path) => readFileSync(join(root, path), 'utf8');
const { name, version } = JSON.parse(read('package.json'));
/** @param {string[]} args */
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

// Here a test fails that would be skipped elsewhere, because a program is missing.
const nothingSkipped = Object.fromEntries(
  [...read('.ci/run').matchAll(/(RX_QMP_REQUIRE_\w+)=(1)/g)].map(([, ...pair]) => pair),
);

/** @param {string} what @param {() => string | undefined} check gives what is wrong, or nothing */
function step(what, check) {
  process.stdout.write(`${what} … `);
  const wrong = check();
  console.log(wrong ? `no\n  ${wrong}` : 'yes');
  if (wrong) process.exit(1);
}

/** @param {string} program @param {string[]} args */
function runs(program, ...args) {
  console.log();
  const { status } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...nothingSkipped },
  });
  return status === 0 ? undefined : `${[program, ...args].join(' ')} failed`;
}

step('the tree is clean', () => git('status', '--porcelain'));
step(`v${version} is not tagged yet`, () => git('tag', '--list', `v${version}`));
step(`CHANGELOG.md has a section for ${version}, with its date`, () => {
  const heading = /^## .*$/m.exec(read('CHANGELOG.md'))?.[0] ?? 'nothing';
  const wanted = `## ${version} (${new Date().toISOString().slice(0, 10)})`;
  return /^## (\S+) \(\d{4}-\d\d-\d\d\)$/.exec(heading)?.[1] === version
    ? undefined
    : `it begins with "${heading}"; make it "${wanted}" and commit`;
});
step('the tests pass', () => runs('npm', 'test'));
step('the page is tested in a browser', () => runs('npm', 'run', 'e2e'));
step('the package works on all platforms', () => runs('npm', 'run', 'platforms'));

const folder = mkdtempSync(join(tmpdir(), 'rx-qmp-release-'));
// Not --dry-run, which would hold for the installation of the dashboard, too.
step('it packs', () => runs('npm', 'pack', '--pack-destination', folder));
const tarball = join(folder, readdirSync(folder)[0] ?? '');
step('publint finds nothing', () => runs('npx', 'publint', tarball, '--strict'));
step('its types are found wherever they are looked for', () => runs('npx', 'attw', tarball, '--profile', 'esm-only'));

const written =
  git('status', '--porcelain', 'docs/platforms.md') &&
  "git commit -m 'The platforms of this release' docs/platforms.md\n  ";
console.log(`
${name} ${version} is ready, as ${tarball}. What is left:
  ${written}git tag v${version} && git push origin HEAD v${version}
The workflow "publish" tests once more and publishes with provenance.`);
