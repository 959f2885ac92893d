import { agentVersion } from '../guest/agent-version.js';
import { SILENCE } from '../guest/guest-agent.js';
import { isUnanswered } from '../guest/unanswered.js';
import { nameOf, replyText, type Command } from '../protocol/command.js';
import type { GuestCommandMap } from '../protocol/qga/command-map.js';
import type { Connection, Connector } from '../transport/connection.js';
import { QmpFacade, type Backend } from '../transport/qmp-facade.js';
import { daemonOf, type LibvirtOptions } from './daemon-sockets.js';
import { checkDomain } from './libvirt.js';
import { AGENT_UNRESPONSIVE, LibvirtError } from './libvirt-error.js';
import { openDomain, type OpenDomain } from './open-domain.js';
import { AGENT_COMMAND } from './procedures.js';
import { refusalText, replyWithId, withoutId } from './replies.js';
import type { Rpc, RpcHost } from './rpc.js';
import { XdrWriter } from './xdr.js';

/**
 * Connects to the guest agent of a running libvirt domain, through libvirt; for the helpers of `rx-qmp/guest`.
 *
 * ```ts
 * const agent = new QmpClient(guestAgentOf('vm1'));
 * await agent.connect();
 * console.log(await guestInfo(agent));
 * ```
 *
 * @param domain its name
 * @throws TypeError if the name or the URI is not valid
 */
export function guestAgentOf(domain: string, options: LibvirtOptions = {}): Connector<GuestCommandMap> {
  checkDomain(domain);
  const { uri } = daemonOf(options);
  const open = async (signal: AbortSignal): Promise<Connection> => {
    const agent = new LibvirtAgent();
    await openDomain(domain, options, agent, signal, (opened) => agent.start(opened));
    return agent.facade;
  };
  return Object.assign(open, { address: `agent of libvirt:${domain} (${uri})`, maxInFlight: 1, silence: SILENCE });
}

/** Seconds that libvirt waits for the agent, which it synchronises itself. */
const PATIENCE = 60;
/** The same for a command that is answered only if it is refused. */
const REFUSAL_PATIENCE = 1;
/** The same for the first question. */
const FIRST_PATIENCE = 5;

/** The agent of a domain, with the face of a QMP server. */
class LibvirtAgent implements Backend, RpcHost {
  readonly facade: QmpFacade = new QmpFacade(this);
  #rpc: Rpc | undefined;
  #domain: Buffer = Buffer.alloc(0);

  /** Greets, if there is an agent that answers. */
  async start({ rpc, domain }: OpenDomain): Promise<void> {
    this.#rpc = rpc;
    this.#domain = domain;
    const reply = JSON.parse(await this.#ask(rpc, '{"execute":"guest-info"}', FIRST_PATIENCE)) as { return?: unknown };
    this.facade.greet(agentVersion(reply.return));
  }

  run(command: Command, _text: string, id: string | undefined): void {
    if (!this.#rpc) return;
    const name = nameOf(command);
    const unanswered = isUnanswered(name);
    // A client asks for the version to see whether anybody is there.
    const text = name === 'query-version' ? '{"execute":"guest-ping"}' : withoutId(command);
    this.#ask(this.#rpc, text, unanswered ? REFUSAL_PATIENCE : PATIENCE).then(
      (reply) => {
        this.facade.receive(replyWithId(reply, id));
      },
      (error: unknown) => {
        const done = unanswered && error instanceof LibvirtError && error.code === AGENT_UNRESPONSIVE;
        this.facade.receive(done ? replyText('{}', id) : refusalText(error, id));
      },
    );
  }

  event(): void {
    // None is registered.
  }

  ended(cause: Error): void {
    this.facade.end(cause);
  }

  close(): void {
    this.#rpc?.end(new Error('closed'));
  }

  async #ask(rpc: Rpc, command: string, seconds: number): Promise<string> {
    const args = new XdrWriter().raw(this.#domain).string(command).int(seconds).int(0);
    return (await rpc.call(AGENT_COMMAND, args)).optionalString() ?? '{"return":{}}';
  }
}
