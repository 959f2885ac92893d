import { show } from '../foundation/text.js';
import { whenAborted } from '../foundation/abort.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';
import type { Connection, Connector } from '../transport/connection.js';
import { Agent } from './agent.js';

/** What it means that no agent answers. */
export const SILENCE = 'the guest agent does not answer; the guest may not be up yet, or has no agent that runs';

/**
 * Connects to a guest agent (qemu-ga), over a connector to the chardev of its port, and lets a `QmpClient` talk to it as to a
 * QMP server: with typed commands, and without events.
 *
 * ```ts
 * const agent = new QmpClient(guestAgent(unixSocket('/run/vm1.qga')));
 * await agent.connect();
 * console.log(await agent.execute('guest-get-osinfo'));
 * ```
 *
 * It resolves once the agent itself has answered: what others have left on the line is skipped. An agent takes one command at a
 * time; after one whose caller has given up, the line is synchronised before the next. A guest that is not up, or has no
 * agent, is silent: `connect()` then rejects after `connectTimeout`, or with `reconnect` tries again.
 */
export function guestAgent(connector: Connector<object>): Connector<GuestCommandMap> {
  if (typeof connector !== 'function') throw new TypeError(`connector must be a function, not ${show(connector)}`);
  const open = async (signal: AbortSignal): Promise<Connection> => {
    const wire = await connector(signal);
    if (signal.aborted) wire.close();
    signal.throwIfAborted();
    const agent = new Agent(wire);
    return new Promise((resolve, reject) => {
      const stopWatching = whenAborted(signal, () => {
        agent.close();
        reject(signal.reason as Error);
      });
      agent.greeted
        .then(
          () => {
            resolve(agent.facade);
          },
          (error: unknown) => {
            agent.close();
            reject(error);
          },
        )
        .finally(stopWatching);
    });
  };
  const address = `agent of ${connector.address ?? 'a guest'}`;
  return Object.assign(open, { address, maxInFlight: 1, silence: SILENCE });
}
