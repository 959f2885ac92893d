/// <reference lib="esnext.disposable" preserve="true" />
import { disposeBy } from '../../foundation/disposal.js';
import { StateError } from '../../protocol/errors.js';
import type { VmInfo } from '../../gateway/vm-info.js';
import { connectorsOf, type VmAddress } from '../../gateway/vm-address.js';
import { Counters } from '../../gateway/counters.js';
import { DashboardPage } from '../dashboard/page.js';
import { Admission } from './admission.js';
import { Audit } from './audit.js';
import { Vms } from '../../gateway/vms.js';
import { OfferedVms } from '../../gateway/offered-vms.js';
import { SourceVms } from '../../gateway/source-vms.js';
import { SocketFolder } from '../../gateway/socket-folder.js';
import { checkOptions, historyOf, isLoopback, limitsOf, type HubOptions } from './options.js';
import { Requests } from './requests.js';
import { newToken, type HubToken } from './tokens.js';
import { WebServer } from './web-server.js';

/** A running hub. */
export interface Hub extends AsyncDisposable {
  /** The address that it listens on: `http://127.0.0.1:8765`, or `https:` with TLS. */
  readonly url: string;
  /** The port that it listens on. */
  readonly port: number;
  /** The operator's token that was made because none was given. */
  readonly token: string | undefined;
  /** The VMs, as `/vms` has them. */
  readonly vms: readonly VmInfo[];
  /** Adds a VM while the hub runs. @throws TypeError if the name is taken, or the name or the address is not valid */
  add(name: string, where: VmAddress): void;
  /** Forgets a VM; its clients are told. Does nothing where there is no VM of that name. */
  remove(name: string): Promise<void>;
  /**
   * Replaces the tokens. Connections whose token is gone, or now allows something else, are closed with 1008.
   *
   * @throws TypeError if a token is not valid, or the list is empty; then nothing has changed
   */
  setTokens(tokens: readonly HubToken[]): void;
  /** Replaces the certificate, for new connections. @throws Error if it is not valid, or the hub was started without TLS */
  setTls(tls: NonNullable<HubOptions['tls']>): void;
  /**
   * Opens the file of the audit again, after somebody has moved it away; does nothing where there is none. Rejects if it cannot be
   * opened: the audit then goes on in the file that was open.
   */
  reopenAuditLog(): Promise<void>;
  /** Closes all connections and stops listening. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a hub: one client for each VM, which any number of WebSocket clients share. See docs/hub.md for what it speaks, and
 * for what it lets its operators do to the host.
 *
 * ```ts
 * const hub = await createHub({ vms: { vm1: 'unix:/run/vm1.qmp' }, allow: ['stop', 'cont'] });
 * console.log(hub.url, hub.token);
 * ```
 *
 * A VM that cannot be reached is no error: it is tried again and again. Rejects if the options are unsafe or make no sense
 * (`TypeError`), the address is taken, or there is no such folder.
 */
export function createHub(options: HubOptions = {}): Promise<Hub> {
  return RunningHub.start(options);
}

class RunningHub implements Hub {
  readonly url: string;
  readonly port: number;
  readonly token: string | undefined;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #vms: Vms;
  readonly #source: SourceVms | undefined;
  readonly #offered: OfferedVms;
  readonly #folder: SocketFolder | undefined;
  readonly #requests: Requests;
  readonly #server: WebServer;
  readonly #admission: Admission;
  readonly #audit: Audit;
  #closed: Promise<void> | undefined;

  /** Nothing is opened before the options have been found valid; nothing stays open if it fails. */
  static async start(options: HubOptions): Promise<RunningHub> {
    checkOptions(options);
    const {
      host = '127.0.0.1',
      port = 8765,
      allow = [],
      hostNames = [],
      origins = [],
      logger,
      behindProxy = false,
    } = options;
    const token = options.tokens || options.noToken ? undefined : newToken();
    const tokens =
      token === undefined ? options.tokens : [{ role: 'operator' as const, token, name: 'operator', screen: true }];
    const tls = options.tls !== undefined;
    const admission = new Admission({ hostNames, origins, tokens, allow, behindProxy, tls });
    const connectors = Object.entries(options.vms ?? {}).map(([name, where]) => [name, connectorsOf(where)] as const);
    const limits = limitsOf(options);
    const history = historyOf(options);
    const page = options.dashboard === undefined ? undefined : new DashboardPage(options.dashboard);
    const vms = new Vms(logger);
    const source = options.source && new SourceVms(options.source, logger);
    const offered = new OfferedVms(vms, source);
    const audit = new Audit(logger, options.auditLog);
    const requests: Requests = new Requests({
      ...{ admission, vms: offered, counters: new Counters(), limits, history, audit, behindProxy, page, logger },
      admitted: (socket) => {
        server.admitted(socket);
      },
    });
    const server = new WebServer({ requests, clients: limits.clients, behindProxy, tls: options.tls });
    await server.listen(host, port);
    const folder = options.dir === undefined ? undefined : new SocketFolder(options.dir, vms, logger);
    const hub = new RunningHub({ token, vms, source, offered, folder, requests, server, admission, audit });
    server.onError((error) => logger?.warn(`${hub.url}: ${error.message}`));
    try {
      const bound = server.address.address;
      if (isLoopback(host) && !isLoopback(bound)) {
        throw new TypeError(`${host} is ${bound} here, which is not loopback`);
      }
      for (const [name, { monitor, guest }] of connectors) vms.add(name, monitor, guest);
      await folder?.start();
      source?.start();
      return hub;
    } catch (error) {
      await hub.close();
      throw error;
    }
  }

  private constructor(parts: {
    readonly token: string | undefined;
    readonly vms: Vms;
    readonly source: SourceVms | undefined;
    readonly offered: OfferedVms;
    readonly folder: SocketFolder | undefined;
    readonly requests: Requests;
    readonly server: WebServer;
    readonly admission: Admission;
    readonly audit: Audit;
  }) {
    this.#admission = parts.admission;
    this.#audit = parts.audit;
    this.token = parts.token;
    this.#vms = parts.vms;
    this.#source = parts.source;
    this.#offered = parts.offered;
    this.#folder = parts.folder;
    this.#requests = parts.requests;
    this.#server = parts.server;
    this.url = this.#server.url;
    this.port = this.#server.address.port;
  }

  get vms(): readonly VmInfo[] {
    return this.#offered.list;
  }

  add(name: string, where: VmAddress): void {
    if (this.#closed) throw new StateError(`${this.url}: the hub is closed`);
    const { monitor, guest } = connectorsOf(where);
    this.#vms.add(name, monitor, guest);
  }

  remove(name: string): Promise<void> {
    return this.#vms.remove(name);
  }

  setTokens(tokens: readonly HubToken[]): void {
    if (tokens.length === 0) throw new TypeError('tokens is empty: nobody could connect');
    this.#admission.setTokens(tokens);
    this.#requests.tokensChanged();
  }

  setTls(tls: NonNullable<HubOptions['tls']>): void {
    this.#server.setTls(tls);
  }

  reopenAuditLog(): Promise<void> {
    return this.#audit.reopen();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = this.#server.close();
    await this.#requests.close();
    this.#server.dropConnections();
    await this.#folder?.close();
    await this.#source?.close();
    await this.#vms.close();
    await this.#audit.close();
    await closed;
  }

  static {
    disposeBy(this, 'close', 'asyncDispose');
  }
}
