import type { QmpClient } from '../client/qmp-client.js';
import { ExecInterruptedError, ExecTimeoutError, QmpError } from '../protocol/errors.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';

/** Milliseconds to get a lost session back, so that the guest does not stay frozen. */
const RECONNECT_WAIT = 60_000;

/**
 * Runs an action, a backup or a snapshot say, while the guest's filesystems hold still and consistent on disk, and thaws them
 * whatever happens. Resolves with what the action resolves with.
 *
 * Keep it short: every program in the guest that writes waits. The agent itself refuses nearly all other commands meanwhile.
 *
 * Rejects with what the action rejects with; as {@link QmpClient.execute} does where freezing fails, and then the action has
 * not run; or with `QmpError` if the guest may still be frozen.
 */
export async function withFrozenFilesystems<T>(
  agent: QmpClient<GuestCommandMap>,
  action: () => Promise<T> | T,
): Promise<T> {
  await freeze(agent);
  let result: T;
  try {
    result = await action();
  } catch (error) {
    await thaw(agent, error);
    throw error;
  }
  await thaw(agent, undefined);
  return result;
}

/** A freeze that the agent refuses has thawed by itself; one without an answer may have come about, or may still. */
async function freeze(agent: QmpClient<GuestCommandMap>): Promise<void> {
  try {
    await agent.execute('guest-fsfreeze-freeze');
  } catch (error) {
    if (error instanceof ExecTimeoutError || error instanceof ExecInterruptedError) await thaw(agent, error);
    throw error;
  }
}

async function thaw(agent: QmpClient<GuestCommandMap>, before: unknown): Promise<void> {
  try {
    await agent.connect({ signal: AbortSignal.timeout(RECONNECT_WAIT) });
    await agent.execute('guest-fsfreeze-thaw');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QmpError(`${agent.name}: the guest's filesystems may still be frozen: ${reason}`, {
      cause: before === undefined ? cause : new AggregateError([before, cause], reason),
    });
  }
}
