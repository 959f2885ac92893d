import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QmpClient } from '../../client/qmp-client.js';
import { launch } from '../../machine/launch.js';
import { connectorFor, type AddressOptions } from '../addresses.js';
import { findQemu } from './installed-qemu.js';

/** The VM that the demo is shown on. */
export interface DemoVm {
  /** What it is, for people. */
  readonly what: string;
  /** Connected. */
  readonly client: QmpClient;
  /** Whether it may be ended: ours may, yours may not. */
  readonly ours: boolean;
  /** Where it may make files. */
  readonly folder: string;
  release(): Promise<void>;
}

/** The VM at an address; else a QEMU of our own, if one is installed; else a simulated one. */
export async function demoVm(at: string | undefined, options: AddressOptions): Promise<DemoVm> {
  const folder = await mkdtemp(join(tmpdir(), 'rx-qmp-demo-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const { what, client, end } = await connectedVm(at, options);
    const release = async (): Promise<void> => {
      await end?.();
      await client.close();
      await removeFolder();
    };
    return { what, client, ours: at === undefined, folder, release };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

async function connectedVm(
  at: string | undefined,
  options: AddressOptions,
): Promise<{ what: string; client: QmpClient; end?: () => Promise<unknown> }> {
  if (at !== undefined) {
    const client = new QmpClient(await connectorFor(at, options));
    await client.connect();
    return { what: `the QEMU at ${at}`, client };
  }
  const binary = await findQemu();
  if (binary === undefined) {
    const { FakeQemu } = await import('../../testing/fake-qemu.js');
    const client = new QmpClient(new FakeQemu().connector, { name: 'demo' });
    await client.connect();
    return { what: 'a simulated QEMU, since none is installed', client };
  }
  const vm = await launch(['-machine', 'none', '-nodefaults', '-display', 'none'], { binary, name: 'demo', grace: 0 });
  return { what: `a real QEMU, started for it (${binary})`, client: vm.client, end: () => vm.stop() };
}
