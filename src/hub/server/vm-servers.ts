import type { Vm } from '../../gateway/vm.js';
import { isQuery } from '../../gateway/rights.js';
import { isOutOfBand, nameOf } from '../../protocol/command.js';
import type { Audit } from './audit.js';
import type { ClientSocket } from './client-socket.js';
import type { HubLimits } from './options.js';
import type { TurnEnd } from './turn-end.js';
import type { Visitor } from './visitor.js';
import { VmServer, type VmServerHost } from './vm-server.js';

/** The clients of one VM. What a turn brings of events is put together once, for all of them. */
export class VmServers {
  readonly #vm: Vm;
  readonly #limits: HubLimits;
  readonly #audit: Audit;
  readonly #servers = new Set<VmServer>();
  #events: string[] = [];
  readonly #flush = (): void => {
    if (this.#events.length === 0) return;
    const bytes = Buffer.from(this.#events.join(''));
    this.#events = [];
    for (const server of this.#servers) server.events(bytes);
  };

  constructor(vm: Vm, limits: HubLimits, turnEnd: TurnEnd, audit: Audit) {
    this.#vm = vm;
    this.#audit = audit;
    this.#limits = limits;
    vm.subscribe({
      event: (text) => {
        if (this.#servers.size === 0) return;
        this.#events.push(`${text}\r\n`);
        turnEnd.defer(this.#flush);
      },
      changed: () => undefined,
      ended: (reason) => {
        this.#flush();
        for (const server of this.#servers) server.sessionEnded(reason);
      },
    });
  }

  /** Serves one more client. @param peer its address */
  serve(socket: ClientSocket, { rights }: Visitor, peer: string): void {
    const { greeting } = this.#vm;
    if (!greeting) {
      socket.close(1012, `${this.#vm.name}: the session has just ended`);
      return;
    }
    const audit: VmServerHost['audit'] = (command, outcome, begun) => {
      const [name, oob] = [nameOf(command), isOutOfBand(command)];
      if (isQuery(name) && !oob) return;
      const ms = Math.round(performance.now() - begun);
      const { role, name: token } = rights;
      const time = new Date().toISOString();
      this.#audit.record({ time, peer, token, role, vm: this.#vm.name, command: name, oob, outcome, ms });
    };
    const host = { greeting, caller: this.#vm.join(), flushEvents: this.#flush, audit };
    const server = new VmServer(socket, host, rights, this.#limits);
    this.#servers.add(server);
    server.start(() => this.#servers.delete(server));
  }
}
