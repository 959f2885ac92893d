import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { serve } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { closeAll, closeLater, newFolder, until } from '../hub/hub-under-test.js';
import { OPERATOR, RawClient, refusal, VIEWER } from '../hub/raw-client.js';
import { Cli, MAIN } from '../support/cli.js';
import { describeWith, PERL, SYSTEMD } from '../support/programs.js';

afterEach(closeAll);

interface Running {
  readonly cli: Cli;
  readonly folder: string;
  readonly url: string;
}

/** `rx-qmp hub` with one VM; ended by SIGTERM, in good order. */
async function start(args: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}): Promise<Running> {
  closeLater(await serve(new FakeQemu().connector, `unix:${join(folder, 'vm1.qmp')}`));
  const cli = new Cli(['hub', `unix:${join(folder, 'vm1.qmp')}`, '--listen', '127.0.0.1:0', ...args], env);
  closeLater({
    close: async () => {
      cli.process.kill('SIGTERM');
      expect(await cli.ended()).toMatchObject({ code: 0 });
    },
  });
  await cli.until('stdout', /listening at \S+\n/);
  await cli.until('stderr', /vm1: ready/);
  return { cli, folder, url: /listening at (\S+)\n/.exec(cli.stdout)?.[1] ?? '' };
}

function writeTokens(folder: string, ...lines: string[]): string {
  const file = join(folder, 'tokens');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** Sends SIGHUP, and resolves when the log has so many lines more that match. */
async function hangUp({ cli }: Running, pattern: RegExp): Promise<void> {
  const before = cli.stderr.length;
  cli.process.kill('SIGHUP');
  while (!pattern.test(cli.stderr.slice(before))) await once(cli.process.stderr, 'data');
}

const READ = /the files of tokens and TLS were read again/;

describe('rx-qmp hub on SIGHUP', () => {
  it('reads the tokens again: who has one that is gone is closed, and nobody else (H9)', async () => {
    const folder = newFolder();
    const file = writeTokens(folder, `operator ${OPERATOR}`, `viewer ${VIEWER} name=ann`);
    const hub = await start(['--token-file', file, '--allow', 'stop'], folder);
    const url = `${hub.url}/vms/vm1`;
    const [operator, viewer] = [
      closeLater(await RawClient.negotiated(url, { token: OPERATOR })),
      closeLater(await RawClient.negotiated(url, { token: VIEWER })),
    ];
    const watcher = closeLater(await RawClient.open(`${hub.url}/events`, { token: VIEWER }));
    writeTokens(folder, `operator ${OPERATOR}`, 'viewer another-0123456789');
    await hangUp(hub, READ);
    expect((await viewer.closed).code).toBe(1008);
    expect((await watcher.closed).code).toBe(1008);
    expect(await refusal(url, { token: VIEWER })).toBe(401);
    expect(await refusal(url, { token: 'another-0123456789' })).toBe(101);
    expect(await operator.ask({ execute: 'query-status', id: 1 })).toMatchObject({ id: 1 });
  });

  it.each([
    [
      'a line that is not valid',
      (file: string): void => {
        writeFileSync(file, `viewer ${VIEWER}\nnobody x\n`);
      },
      /line 2/,
    ],
    [
      'a token twice',
      (file: string): void => {
        writeFileSync(file, `viewer ${VIEWER}\noperator ${VIEWER}\n`);
      },
      /twice/,
    ],
    [
      'no token at all',
      (file: string): void => {
        writeFileSync(file, '# none\n');
      },
      /empty/,
    ],
    [
      'rights for everybody',
      (file: string): void => {
        chmodSync(file, 0o644);
      },
      /chmod o=/,
    ],
    [
      'no file',
      (file: string): void => {
        renameSync(file, `${file}.old`);
      },
      /ENOENT/,
    ],
  ])('changes nothing where the token file has %s, and says so (H9)', async (_what, spoil, message) => {
    const folder = newFolder();
    const file = writeTokens(folder, `viewer ${VIEWER}`);
    const hub = await start(['--token-file', file], folder);
    const client = closeLater(await RawClient.negotiated(`${hub.url}/vms/vm1`, { token: VIEWER }));
    spoil(file);
    await hangUp(hub, /warn nothing has changed: /);
    expect(hub.cli.stderr).toMatch(message);
    expect(hub.cli.stderr).not.toContain(VIEWER);
    expect(await client.ask({ execute: 'query-status', id: 1 })).toMatchObject({ id: 1 });
    expect(await refusal(`${hub.url}/vms/vm1`, { token: VIEWER })).toBe(101);
  });

  it('reads certificate and key again, both or neither, and the tokens only with them (H9)', async () => {
    const folder = newFolder();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    newCertificate(folder, 'first');
    const file = writeTokens(folder, `viewer ${VIEWER}`);
    const hub = await start(['--token-file', file, '--tls-cert', cert, '--tls-key', key], folder);
    expect(await nameShown(hub.url)).toBe('first');
    const former = readFileSync(key);
    newCertificate(folder, 'second');
    const latter = readFileSync(key);
    writeFileSync(key, former);
    writeTokens(folder, 'viewer another-0123456789');
    await hangUp(hub, /warn nothing has changed: /);
    expect(await nameShown(hub.url)).toBe('first');
    const tls = { ca: readFileSync(cert), rejectUnauthorized: false };
    expect(await refusal(`${hub.url}/vms/vm1`, { token: VIEWER, ...tls })).toBe(101);
    writeFileSync(key, latter);
    await hangUp(hub, READ);
    expect(await nameShown(hub.url)).toBe('second');
    expect(await refusal(`${hub.url}/vms/vm1`, { token: VIEWER, ...tls })).toBe(401);
  });

  it('goes on with the audit in a new file where the old one was moved; no line is lost (H8)', async () => {
    const folder = newFolder();
    const audit = join(folder, 'audit.jsonl');
    const file = writeTokens(folder, `operator ${OPERATOR}`);
    const hub = await start(['--token-file', file, '--allow', 'stop,cont', '--audit-log', audit], folder);
    const client = closeLater(await RawClient.negotiated(`${hub.url}/vms/vm1`, { token: OPERATOR }));
    let sent = 0;
    const run = async (execute: string): Promise<void> => {
      client.send({ execute, id: (sent += 1) });
      while ((await client.next())['id'] !== sent);
    };
    const commands = (path: string): unknown[] =>
      readFileSync(path, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { command: string }).command);
    await run('stop');
    renameSync(audit, `${audit}.1`);
    await run('cont');
    await hangUp(hub, READ);
    while (commandsOrNone(audit, commands).length === 0) await run('stop');
    await until(() => commands(`${audit}.1`).length + commands(audit).length === sent);
    expect(commands(`${audit}.1`).slice(0, 2)).toEqual(['stop', 'cont']);

    // A folder stands where the file should be.
    const kept = commands(audit).length;
    renameSync(audit, `${audit}.2`);
    mkdirSync(audit);
    await hangUp(hub, /warn the audit goes on in the file that was open: .*EISDIR/);
    await run('cont');
    hub.cli.process.kill('SIGTERM');
    await hub.cli.ended();
    expect(commands(`${audit}.2`)).toHaveLength(kept + 1);
  });
});

function commandsOrNone(path: string, read: (path: string) => unknown[]): unknown[] {
  try {
    return read(path);
  } catch {
    return [];
  }
}

/** A certificate of its own, `cert.pem` and `key.pem`. */
function newCertificate(folder: string, name: string): void {
  const { status, stderr } = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', `/CN=${name}`, '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  ]);
  if (status !== 0) throw new Error(String(stderr));
}

async function nameShown(url: string): Promise<string | undefined> {
  const { hostname: host, port } = new URL(url);
  const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return Array.isArray(CN) ? CN[0] : CN;
}

describeWith([SYSTEMD, PERL], 'rx-qmp hub as a service of systemd (H16)', () => {
  /** What systemd would hear at its socket, line by line. */
  async function systemd(
    folder: string,
  ): Promise<{ socket: string; readonly heard: (line: RegExp, times: number) => Promise<void> }> {
    const socket = join(folder, 'notify');
    const script = `use Socket; $| = 1; socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un($ARGV[0])) or die $!;
      print "listening\\n"; while (defined recv(S, my $text, 4096, 0)) { print "$text\\n" }`;
    const perl = spawn('perl', ['-e', script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    closeLater({
      close: async () => {
        perl.kill();
        await once(perl, 'exit');
      },
    });
    let text = '';
    perl.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
    const heard = async (line: RegExp, times: number): Promise<void> => {
      while ((text.match(new RegExp(line.source, 'gm'))?.length ?? 0) < times) await once(perl.stdout, 'data');
    };
    await heard(/^listening$/, 1);
    return { socket, heard };
  }

  it('tells that it is ready, that it lives, and that it ends (H16)', async () => {
    const folder = newFolder();
    const { socket, heard } = await systemd(folder);
    const { cli } = await start([], folder, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' });
    await heard(/^READY=1$/, 1);
    await heard(/^WATCHDOG=1$/, 3);
    cli.process.kill('SIGTERM');
    await heard(/^STOPPING=1$/, 1);
    expect((await cli.ended()).code).toBe(0);
  });

  it('runs on where systemd-notify is missing, and says so once (H16)', async () => {
    const folder = newFolder();
    const env = { NOTIFY_SOCKET: join(folder, 'nobody'), WATCHDOG_USEC: '50000', PATH: folder };
    const { cli, url } = await start([], folder, env);
    await cli.until('stderr', /systemd is told nothing: systemd-notify: spawn systemd-notify ENOENT/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    cli.process.kill('SIGTERM');
    expect((await cli.ended()).stderr.match(/systemd is told nothing/g)).toHaveLength(1);
  });

  it('has a unit in docs/hub.md that systemd-analyze finds nothing wrong with (H16)', () => {
    const folder = newFolder();
    const guide = readFileSync(join(__dirname, '../../docs/hub.md'), 'utf8');
    const unit = /```ini\n(# \/etc\/systemd\/system\/rx-qmp-hub.service\n.*?)```/s.exec(guide)?.[1] ?? '';
    const program = join(folder, 'rx-qmp');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
    expect(unit).toContain('/opt/rx-qmp/node_modules/.bin/rx-qmp');
    const file = join(folder, 'rx-qmp-hub.service');
    const verify = (text: string): { status: number | null; said: string } => {
      writeFileSync(file, text.replaceAll('/opt/rx-qmp/node_modules/.bin/rx-qmp', program));
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
        encoding: 'utf8',
      });
      const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('rx-qmp-hub'));
      return { status, said: said.join('\n') };
    };
    expect(verify(unit)).toEqual({ status: 0, said: '' });
    expect(verify(unit.replace('WatchdogSec', 'WatchDogSec')).said).toContain('WatchDogSec');

    // Its command line is one that the hub takes.
    const words = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(' ').slice(1) ?? [];
    const tokens = writeTokens(folder, `viewer ${VIEWER}`);
    const here = words.map((word) => word.replace('/etc/rx-qmp/tokens', tokens).replace('/run/vms', folder));
    const checked = spawnSync(program, [...here, '--check'], { encoding: 'utf8' });
    expect(checked).toMatchObject({ status: 0, stdout: 'the options and files are valid\n' });
  });
});
