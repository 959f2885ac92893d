import type { QmpClient } from '../client/qmp-client.js';
import { ExecuteError } from '../protocol/errors.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';

/** A guest and its agent. What the agent cannot or may not tell is absent. */
export interface GuestInfo {
  /** The version of the agent. */
  readonly agent: string;
  /** The commands that it takes, in order of the alphabet. */
  readonly commands: readonly string[];
  /** The name of the guest in its network. */
  readonly hostName?: string;
  /** As the system calls itself: `Debian GNU/Linux 12 (bookworm)`. */
  readonly os?: string;
  /** The release of its kernel: `6.1.0-31-amd64`. */
  readonly kernel?: string;
}

/**
 * Resolves with what a guest says about itself and its agent.
 *
 * Rejects as {@link QmpClient.execute} does.
 */
export async function guestInfo(
  agent: QmpClient<GuestCommandMap>,
  options: { readonly signal?: AbortSignal; readonly timeout?: number } = {},
): Promise<GuestInfo> {
  const info = await agent.execute('guest-info', undefined, options);
  const os = await orAbsent(agent.execute('guest-get-osinfo', undefined, options));
  const host = await orAbsent(agent.execute('guest-get-host-name', undefined, options));
  const name = os?.['pretty-name'] ?? os?.name;
  return {
    agent: info.version,
    commands: info.supported_commands
      .filter(({ enabled }) => enabled)
      .map((command) => command.name)
      .sort(),
    ...(host && { hostName: host['host-name'] }),
    ...(name !== undefined && { os: name }),
    ...(os?.['kernel-release'] !== undefined && { kernel: os['kernel-release'] }),
  };
}

/** Undefined where the agent refuses. */
async function orAbsent<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof ExecuteError) return undefined;
    throw error;
  }
}
