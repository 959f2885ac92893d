// Builds examples/angular-dashboard, and serves what was built.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

const APP = 'examples/angular-dashboard';

/** Of what the app is made. What is for Node only cannot be in it. */
const SOURCES = [`${APP}/src`, `${APP}/angular.json`, `${APP}/tsconfig.json`, `${APP}/package-lock.json`, 'dist'];
const NOT_IN_IT = /^dist\/(cli|hub|testing|transport\/node)\//;

/** Installs what the app needs and builds it, where that was not done before or something has changed since. */
export async function buildApp(root, log) {
  const folder = join(root, APP);
  const mark = join(folder, 'dist/.built-from');
  const sources = await digest(root);
  if (existsSync(mark) && (await readFile(mark, 'utf8')) === sources) return;
  if (!(await isInstalled(folder))) {
    log('Installing Angular for the dashboard, once (npm ci, about half a minute) …');
    await run('npm', ['ci', '--no-audit', '--no-fund'], folder);
  }
  log('Building the dashboard (about 20 seconds) …');
  await run('npm', ['run', 'build'], folder);
  await writeFile(mark, sources);
}

/**
 * Serves the app on loopback. The page may load from here alone, and talk to any hub.
 *
 * @returns its url, and `close`
 */
export async function serveApp(root, port) {
  const folder = join(root, APP, 'dist');
  const server = createServer((request, response) => {
    const [, name] = /^\/((?:\w[\w-]*\.)+\w+)?(?:\?|$)/.exec(request.url ?? '') ?? [undefined, 'nothing'];
    const file = name ?? 'index.html';
    readFile(join(folder, file)).then(
      (content) => {
        response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
        response.end(content);
      },
      () => response.writeHead(404, HEADERS).end('There is nothing here.\n'),
    );
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen({ host: '127.0.0.1', port }, resolve);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

const HEADERS = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
    "connect-src ws: wss: http: https:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Whether `npm ci` has run since the lock file was changed: npm keeps a copy of it, without the app itself. */
async function isInstalled(folder) {
  const copy = join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(copy)) return false;
  const [wanted, installed] = await Promise.all([join(folder, 'package-lock.json'), copy].map(lockOf));
  return (
    Object.entries(installed).every(([path, version]) => wanted[path] === version) && 'node_modules/rxjs' in installed
  );
}

async function lockOf(file) {
  const { packages } = JSON.parse(await readFile(file, 'utf8'));
  return Object.fromEntries(Object.entries(packages).map(([path, { version }]) => [path, version]));
}

async function digest(root) {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    for (const file of (await filesIn(root, source)).sort()) {
      if (NOT_IN_IT.test(file) || file.endsWith('.map')) continue;
      hash.update(`${file}\n`).update(await readFile(join(root, file)));
    }
  }
  return hash.digest('hex');
}

async function filesIn(root, path) {
  if (extname(path) !== '') return [path];
  const entries = await readdir(join(root, path), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

function run(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} failed in ${cwd}:\n${said}`));
    });
  });
}
