const { execFileSync } = require('node:child_process');
const { existsSync, readdirSync, statSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..', '..');

/** Jest's global set-up: some specs run the built package, so it is built once before them if the sources are newer. */
module.exports = () => {
  // What the build makes last.
  const built = join(root, 'dist', 'cli', 'main.cjs');
  if (existsSync(built) && statSync(built).mtimeMs > newest(join(root, 'src'))) return;
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
};

function newest(folder) {
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, name));
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}
