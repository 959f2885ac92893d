import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector } from '../../transport/connection.js';
import { address } from '../../transport/node/address.js';
import { streams } from '../../transport/node/streams.js';
import { findQemu } from './installed-qemu.js';

/** The VM that the demo is shown on. */
export interface DemoVm {
  /** What it is, for people. */
  readonly what: string;
  readonly connector: Connector;
  /** Whether it may be ended: ours may, yours may not. */
  readonly ours: boolean;
  /** Where it may make files. */
  readonly folder: string;
  release(): Promise<void>;
}

/** The VM at an address; else a QEMU of our own, if one is installed; else a simulated one. */
export async function demoVm(at: string | undefined): Promise<DemoVm> {
  const folder = await mkdtemp(join(tmpdir(), 'rx-qmp-demo-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  if (at !== undefined)
    return { what: `the QEMU at ${at}`, connector: address(at), ours: false, folder, release: removeFolder };
  const program = await findQemu();
  if (program === undefined) {
    const { FakeQemu } = await import('../../testing/fake-qemu.js');
    const what = 'a simulated QEMU, since none is installed';
    return { what, connector: new FakeQemu().connector, ours: true, folder, release: removeFolder };
  }
  const qemu = spawn(program, ['-machine', 'none', '-nodefaults', '-display', 'none', '-qmp', 'stdio'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return {
    what: `a real QEMU, started for it (${program})`,
    connector: streams(qemu.stdout, qemu.stdin),
    ours: true,
    folder,
    release: async () => {
      qemu.kill();
      await removeFolder();
    },
  };
}
