// Two VMs for the dashboard, with some life in them: on vm1 disks are copied, vm2 is stopped and continued.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { StateError, ExecuteError, ExecInterruptedError, QmpClient } from '../../dist/index.js';
import { unixSocket } from '../../dist/node.js';
import { FakeQemu } from '../../dist/testing.js';

const QEMU = 'qemu-system-x86_64';
const MIB = 1024 * 1024;
const DISK = 128 * MIB;
/** Bytes of it copied in a second. */
const SPEED = 6 * MIB;
const RESTART_AFTER = 4_000;

/** @returns what they are, their connectors by name, and `stop` */
export async function startVms() {
  const program = spawnSync(QEMU, ['--version']).status === 0 ? QEMU : undefined;
  const stopping = new AbortController();
  const vms = program === undefined ? fakeVms(stopping.signal) : realVms(program, stopping.signal);
  return {
    ...vms,
    stop: () => {
      stopping.abort();
      vms.stop();
    },
  };
}

function realVms(program, signal) {
  const folder = mkdtempSync(join(tmpdir(), 'rx-qmp-dashboard-'));
  const children = new Map();
  /** @type {Record<string, import('../../dist/index.js').Connector>} */
  const connectors = {};
  for (const name of ['vm1', 'vm2']) {
    // A monitor serves one client. The first is for the hub, the second for the life.
    const [monitor, second] = [join(folder, name), join(folder, `${name}.life`)];
    const start = () => {
      const child = spawn(program, [...machine(), ...qmp(monitor), ...qmp(second)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (text) => (said = `${said}${text}`.slice(-10_000)));
      children.set(name, child);
      child.once('exit', (code) => {
        if (code) console.error(`${name}: ${said}`);
        if (!signal.aborted) setTimeout(RESTART_AFTER, undefined, { signal }).then(start, () => undefined);
      });
    };
    start();
    connectors[name] = unixSocket(monitor);
    const client = new QmpClient(unixSocket(second), { reconnect: true });
    client.connect().catch(() => undefined);
    signal.addEventListener('abort', () => void client.close());
    /** @type {any} */
    const execute = client.execute.bind(client);
    void live(name === 'vm1' ? () => copyDisk(execute) : () => pause(execute, signal), signal);
  }
  return {
    what: `two QEMUs (${program}), which are started again if you kill them`,
    pids: () => [...children].map(([name, { pid }]) => `${name}: ${pid}`).join(', '),
    connectors,
    stop: () => {
      for (const child of children.values()) child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function machine() {
  const disk = (name) => ['-blockdev', `null-co,node-name=${name},size=${DISK},read-zeroes=on`];
  return ['-machine', 'none', '-nodefaults', '-display', 'none', ...disk('disk'), ...disk('copy')];
}

function qmp(path) {
  return ['-qmp', `unix:${path},server=on,wait=off`];
}

function fakeVms(signal) {
  const [vm1, vm2] = [new FakeQemu({ clock: Date }), new FakeQemu({ clock: Date })];
  const copy = async () => {
    const job = vm1.jobs.start('copy', 'backup');
    for (let done = 0; done < DISK; done += SPEED) {
      job.progress(done, DISK);
      await setTimeout(1_000, undefined, { signal });
    }
    job.progress(DISK, DISK);
    job.finish();
  };
  const stopAndGo = async () => {
    vm2.emit('STOP');
    await setTimeout(3_000, undefined, { signal });
    vm2.emit('RESUME');
  };
  void live(copy, signal);
  void live(stopAndGo, signal);
  const what = 'two simulated QEMUs, since none is installed (apt install qemu-system-x86)';
  return { what, pids: () => '', connectors: { vm1: vm1.connector, vm2: vm2.connector }, stop: () => undefined };
}

function copyDisk(execute) {
  return execute('blockdev-backup', { 'job-id': 'copy', device: 'disk', target: 'copy', sync: 'full', speed: SPEED });
}

async function pause(execute, signal) {
  await execute('stop');
  await setTimeout(3_000, undefined, { signal });
  await execute('cont');
}

/** Does it again and again; what the VM, or who looks at it, forbids at the moment is tried later. */
async function live(scene, signal) {
  try {
    for (let turn = 0; ; turn += 1) {
      await setTimeout(turn === 0 ? 2_000 : 8_000 + 8_000 * Math.random(), undefined, { signal });
      await scene().catch((error) => {
        if (![ExecuteError, ExecInterruptedError, StateError].some((kind) => error instanceof kind)) throw error;
      });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
