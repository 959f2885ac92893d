import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MAIN } from './cli.js';
import { skipped, SYSTEMD } from './programs.js';
import { exit } from './qemu.js';

const REPOSITORY = join(__dirname, '../..');

/**
 * What runs first in the namespaces. Of the machine's files everything may be read and nothing written: the folders that a service
 * writes to are others, and systemd finds no unit but those of the test. (Debian's own would empty `/tmp`, as at a boot.)
 * `$1` is a folder that is seen as `/run/vms`, `$2` the repository, `$3` the program of Node, `$4` that of rx-qmp.
 */
const BOOT = `set -e
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs -o mode=755 tmpfs /opt
mkdir -p /opt/upper /opt/work /opt/repository /opt/vms /opt/rx-qmp/node_modules/.bin
mount --bind "$2" /opt/repository
mount -o remount,bind,ro /opt/repository
mount --bind "$1" /opt/vms
touch /opt/node
mount --bind "$3" /opt/node
printf '#!/bin/sh\\nexec /opt/node "/opt/repository/%s" "$@"\\n' "$4" > /opt/rx-qmp/node_modules/.bin/rx-qmp
chmod 755 /opt/rx-qmp/node_modules/.bin/rx-qmp
for folder in /run /tmp /var/tmp /var/log; do mount -t tmpfs -o mode=755 tmpfs $folder; done
chmod 1777 /tmp /var/tmp
mkdir /run/vms
mount --bind /opt/vms /run/vms
mount -t overlay overlay -o lowerdir=/etc,upperdir=/opt/upper,workdir=/opt/work /etc
mount -t tmpfs -o mode=755 tmpfs /etc/systemd/system
mount -o remount,bind,ro /
for unit in empty sysinit basic shutdown network; do
  printf '[Unit]\\nDescription=Nothing\\nDefaultDependencies=no\\n' > /etc/systemd/system/$unit.target
done
export container=rx-qmp SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/opt/none
exec /lib/systemd/systemd --system --unit=empty.target --log-target=null
`;

/** A systemd that runs as process 1 of namespaces of its own, on this machine's files. */
export class Systemd {
  readonly #process: ChildProcess;
  readonly #gone: Promise<string>;
  #said = '';
  #pid = 0;

  /** @param vms a folder that it sees as `/run/vms` */
  constructor(vms: string) {
    const namespaces = ['--fork', '--kill-child', '--pid', '--mount', '--ipc', '--uts', '--net', '--cgroup'];
    const main = MAIN.slice(REPOSITORY.length + 1);
    const args = [...namespaces, 'bash', '-c', BOOT, 'boot', vms, REPOSITORY, process.execPath, main];
    this.#process = spawn('unshare', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    this.#gone = exit(this.#process);
  }

  /** @throws Error where it does not start: it takes Linux and root */
  async started(): Promise<void> {
    for (;;) {
      const { pid, exitCode, signalCode } = this.#process;
      if (pid === undefined || exitCode !== null || signalCode !== null) {
        throw new Error(`systemd does not start: ${this.#said || (await this.#gone)}`);
      }
      this.#pid ||= Number(childOf(pid));
      if (this.#pid && this.run('systemctl', 'is-active', 'empty.target').stdout === 'active\n') return;
      await setTimeout(50);
    }
  }

  /** Runs a program beside it, as root. */
  run(...words: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const inside = ['-t', String(this.#pid), '-m', '-p', '-n', '-u', '-i', ...words];
    return spawnSync('nsenter', inside, { encoding: 'utf8', timeout: 30_000 });
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone;
    this.#process.stderr?.destroy();
  }
}

function childOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')[0];
  } catch {
    return undefined;
  }
}

/** A systemd that runs; `undefined`, with a line that says so, where none can. With `RX_QMP_REQUIRE_SYSTEMD=1` that is an error. */
export async function startSystemd(vms: string, what: string): Promise<Systemd | undefined> {
  const systemd = new Systemd(vms);
  try {
    await systemd.started();
    return systemd;
  } catch (error) {
    await systemd.end();
    skipped(error, SYSTEMD.variable, "no systemd can be started (it takes root and Debian's systemd)", what);
    return undefined;
  }
}
