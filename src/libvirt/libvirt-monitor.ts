import { nameOf, type Command } from '../protocol/command.js';
import { QmpFacade, type Backend } from '../transport/qmp-facade.js';
import { LibvirtError, MONITOR_GONE } from './libvirt-error.js';
import { domainIn, type OpenDomain } from './open-domain.js';
import {
  LIFECYCLE_EVENT,
  MONITOR_COMMAND,
  MONITOR_EVENT,
  REGISTER_DOMAIN_EVENT,
  REGISTER_MONITOR_EVENT,
  same,
  type Procedure,
} from './procedures.js';
import { refusalText, replyWithId, withoutId } from './replies.js';
import type { Rpc, RpcHost } from './rpc.js';
import { XdrWriter, type XdrReader } from './xdr.js';

/** The kind of events that tell of the life of a domain. */
const LIFECYCLE = 0;
/** The lifecycle event of a domain that has stopped, and the details of it by number. */
const STOPPED = 5;
const HOW = ['shut down', 'destroyed', 'crashed', 'migrated away', 'saved', 'failed', 'reverted to a snapshot'];

/** The monitor of a domain, with the face of a QMP server. */
export class LibvirtMonitor implements Backend, RpcHost {
  readonly facade: QmpFacade = new QmpFacade(this);
  #rpc: Rpc | undefined;
  #domain: Buffer = Buffer.alloc(0);

  /** Registers for events, then greets. */
  async start({ rpc, domain }: OpenDomain): Promise<void> {
    this.#rpc = rpc;
    this.#domain = domain;
    await rpc.call(REGISTER_MONITOR_EVENT, new XdrWriter().present().raw(domain).absent().int(0));
    await rpc.call(REGISTER_DOMAIN_EVENT, new XdrWriter().int(LIFECYCLE).present().raw(domain));
    const reply = JSON.parse(await this.#ask(rpc, '{"execute":"query-version"}')) as { return: never };
    this.facade.greet(reply.return);
  }

  run(command: Command, _text: string, id: string | undefined): void {
    if (this.#rpc) void this.#answer(this.#rpc, command, id);
  }

  event(procedure: Procedure, reader: XdrReader): void {
    if (same(procedure, MONITOR_EVENT)) this.#monitorEvent(reader);
    else if (same(procedure, LIFECYCLE_EVENT)) this.#lifecycleEvent(reader);
  }

  ended(cause: Error): void {
    this.facade.end(cause);
  }

  close(): void {
    this.#rpc?.end(new Error('closed'));
  }

  async #answer(rpc: Rpc, command: Command, id: string | undefined): Promise<void> {
    let reply: string;
    try {
      reply = replyWithId(await this.#ask(rpc, withoutId(command)), id);
    } catch (error) {
      if (nameOf(command) === 'quit' && (await this.#isGone(rpc, error))) return;
      reply = refusalText(error, id);
    }
    this.facade.receive(reply);
  }

  /**
   * Whether QEMU has done what libvirt reports as failed. Where QEMU exits between two of libvirt's reads, libvirt loses what the
   * first gave it: the reply to `quit`, and SHUTDOWN. It tells that the domain has stopped, which ends the session; the reply must
   * not be a refusal, or that end would look like a loss.
   */
  async #isGone(rpc: Rpc, error: unknown): Promise<boolean> {
    if (!saysGone(error)) return false;
    try {
      await this.#ask(rpc, '{"execute":"query-status"}');
      return false;
    } catch (again) {
      return saysGone(again);
    }
  }

  async #ask(rpc: Rpc, command: string): Promise<string> {
    const args = new XdrWriter().raw(this.#domain).string(command).int(0);
    return (await rpc.call(MONITOR_COMMAND, args)).string();
  }

  #monitorEvent(reader: XdrReader): void {
    reader.int(); // the number of the registration
    domainIn(reader);
    const event = JSON.stringify(reader.string());
    const timestamp = JSON.stringify({ seconds: reader.hyper(), microseconds: reader.unsigned() });
    const data = reader.optionalString()?.replace(/[\r\n]/g, ' ');
    this.facade.receive(`{"event":${event},"timestamp":${timestamp}${data === undefined ? '' : `,"data":${data}`}}\n`);
  }

  /**
   * After a SHUTDOWN, or its own `quit`, the client knows that it was to be expected; without one it is a loss, with these
   * words.
   */
  #lifecycleEvent(reader: XdrReader): void {
    reader.int(); // the number of the registration
    domainIn(reader);
    const event = reader.int();
    const detail = reader.int();
    if (event === STOPPED) {
      this.#rpc?.end(new Error(`libvirt: the domain has stopped (${HOW[detail] ?? 'why is not known'})`));
    }
  }
}

function saysGone(error: unknown): boolean {
  return error instanceof LibvirtError && MONITOR_GONE.includes(error.code);
}
