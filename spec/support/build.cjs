const { execFileSync } = require('node:child_process');
const { existsSync, readFileSync, readdirSync, statSync } = require('node:fs');
const { dirname, join } = require('node:path');

const root = join(__dirname, '..', '..');

/**
 * Jest's global set-up. Some specs run the built package: if one of them is among those chosen, and the sources are newer than what
 * is built, it is built once, before them.
 */
module.exports = ({ testPathPatterns }) => {
  const chosen = filesIn(join(root, 'spec')).filter((file) => /\.(spec|e2e)\.ts$/.test(file));
  const needed = chosen.some(
    (file) => testPathPatterns.patterns.some((one) => new RegExp(one).test(file)) && uses(file),
  );
  const everything = testPathPatterns.patterns.length === 0;
  if ((everything || needed) && isOld()) {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  }
};

/** True if a spec or what it imports of spec/ says `dist`. */
function uses(file, seen = new Set()) {
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  const imports = [...text.matchAll(/(?:from|import|require\() ?'(\..*?)'/g)].map(([, name = '']) =>
    join(dirname(file), name).replace(/\.js$/, '.ts'),
  );
  return /\bdist\b/.test(text) || imports.some((one) => one.startsWith(join(root, 'spec')) && uses(one, seen));
}

function isOld() {
  // What the build makes last.
  const built = join(root, 'dist', 'cli', 'main.cjs');
  return (
    !existsSync(built) ||
    statSync(built).mtimeMs <= Math.max(...filesIn(join(root, 'src')).map((file) => statSync(file).mtimeMs))
  );
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true }).map((name) => join(folder, name));
}
