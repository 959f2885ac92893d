// Everything of a release up to publishing: npm run release. It changes nothing and publishes nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { name, version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();

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
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  return status === 0 ? undefined : `${program} ${args.join(' ')} failed`;
}

step('the tree is clean', () => git('status', '--porcelain'));
step(`v${version} is not tagged yet`, () => git('tag', '--list', `v${version}`));
step(`CHANGELOG.md has a section for ${version}, without "unreleased"`, () => {
  const changelog = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8');
  const heading = changelog.split('\n').find((line) => line.startsWith(`## ${version}`));
  if (!heading) return `add "## ${version} (DATE)"`;
  return heading.includes('unreleased') ? 'put the date there' : undefined;
});
step('the tests pass', () => runs('npm', 'test'));
step('the page is tested in a browser', () => runs('npm', 'run', 'e2e'));
step('the package works on all platforms', () => runs('npm', 'run', 'platforms'));
step('docs/platforms.md is of this run', () => git('status', '--porcelain', 'docs/platforms.md'));
// Not --dry-run, which would hold for the installation of the dashboard, too.
step('it packs', () => runs('npm', 'pack', '--pack-destination', mkdtempSync(join(tmpdir(), 'rx-qmp-release-'))));

console.log(`
${name} ${version} is ready. What is left:
  git tag v${version} && git push origin v${version}
The workflow "publish" tests once more and publishes with provenance.`);
