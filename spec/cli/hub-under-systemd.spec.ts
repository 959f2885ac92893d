import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describeQemu, startQemu, type Qemu } from '../support/qemu.js';
import { startSystemd, type Systemd } from '../support/systemd.js';
import { OPERATOR, VIEWER } from '../hub/raw-client.js';

jest.setTimeout(60_000);

const GUIDE = readFileSync(join(__dirname, '../../docs/hub.md'), 'utf8');
const UNIT = /```ini\n# (\/etc\/systemd\/system\/rx-qmp-hub.service)\n(.*?)```/s.exec(GUIDE);

/** Prints the status of an answer of the hub, which listens where the guide has it. */
const ASK = `const [path, token] = process.argv.slice(1);
require('node:http').get({ port: 8765, path, headers: { host: 'hub.example', authorization: 'Bearer ' + token } }, (answer) => {
  console.log(answer.statusCode);
  answer.resume();
}).on('error', (error) => console.log(error.code));`;

describeQemu('the unit of docs/hub.md, run by a systemd (H16)', () => {
  let qemu: Qemu;
  let systemd: Systemd | undefined;

  beforeEach(async () => {
    qemu = await startQemu(['-qmp', 'unix:vm1.qmp,server=on,wait=off']);
    chmodSync(qemu.folder, 0o755);
    chmodSync(join(qemu.folder, 'vm1.qmp'), 0o666);
    systemd = await startSystemd(qemu.folder, 'the unit of docs/hub.md');
    install(UNIT?.[1] ?? '', UNIT?.[2] ?? '');
    writeTokens(`operator ${OPERATOR}`, `viewer ${VIEWER}`);
    systemd?.run('useradd', '--system', 'rx-qmp');
    systemd?.run('groupadd', '--force', 'kvm');
    systemd?.run('chgrp', 'rx-qmp', '/etc/rx-qmp/tokens');
  });

  afterEach(async () => {
    await systemd?.end();
    await qemu.stop();
  });

  function install(file: string, text: string): void {
    systemd?.run('install', '-D', '-m', '640', '/dev/null', file);
    systemd?.run('bash', '-c', 'printf %s "$2" > "$1"', 'write', file, text);
  }

  const writeTokens = (...lines: string[]): void => {
    install('/etc/rx-qmp/tokens', `${lines.join('\n')}\n`);
  };
  const systemctl = (...words: string[]): string => {
    const { status, stdout, stderr } = systemd?.run('systemctl', ...words) ?? {};
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout ?? '';
  };
  const told = (property: string): string => systemctl('show', '--value', '--property', property, 'rx-qmp-hub').trim();
  const statusOf = (path: string, token: string): string =>
    (systemd?.run('/opt/node', '-e', ASK, path, token).stdout ?? '').trim();
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await setTimeout(50);
  };

  it('counts as started once the hub listens, takes new tokens by a reload, and ends in good order (H9, H16)', async () => {
    if (!systemd) return;
    systemctl('start', 'rx-qmp-hub');
    expect(statusOf('/vms', VIEWER)).toBe('200');
    await until(() => statusOf('/readyz', VIEWER) === '200');
    expect(told('User')).toBe('rx-qmp');
    writeTokens(`operator ${OPERATOR}`);
    systemd.run('chgrp', 'rx-qmp', '/etc/rx-qmp/tokens');
    systemctl('reload', 'rx-qmp-hub');
    await until(() => statusOf('/vms', VIEWER) === '401');
    expect(statusOf('/vms', OPERATOR)).toBe('200');
    expect(systemd.run('stat', '-c', '%U', '/var/log/rx-qmp/audit.jsonl').stdout).toBe('rx-qmp\n');
    systemctl('stop', 'rx-qmp-hub');
    expect([told('Result'), told('ExecMainStatus'), told('NRestarts')]).toEqual(['success', '0', '0']);
  });

  it('starts the hub again when its event loop stands still (H16)', async () => {
    if (!systemd) return;
    install('/etc/systemd/system/rx-qmp-hub.service.d/soon.conf', '[Service]\nWatchdogSec=5\n');
    systemctl('start', 'rx-qmp-hub');
    const first = told('MainPID');
    systemd.run('kill', '-STOP', first);
    await until(() => told('NRestarts') === '1' && told('ActiveState') === 'active');
    expect(told('MainPID')).not.toBe(first);
    expect(statusOf('/vms', VIEWER)).toBe('200');
  });
});
