import type { Rights } from '../../gateway/vm-info.js';
import type { Vm } from '../../gateway/vm.js';
import { StateError } from '../../protocol/errors.js';
import type { ClientSocket } from './client-socket.js';
import type { HubLimits } from './options.js';
import { VmServer } from './vm-server.js';

/** The clients of one VM. */
export class VmServers {
  readonly #vm: Vm;
  readonly #limits: HubLimits;
  readonly #servers = new Set<VmServer>();

  constructor(vm: Vm, limits: HubLimits) {
    this.#vm = vm;
    this.#limits = limits;
    vm.subscribe({
      event: (text) => {
        if (this.#servers.size === 0) return;
        const bytes = Buffer.from(`${text}\r\n`);
        for (const server of this.#servers) server.event(bytes);
      },
      changed: () => undefined,
      ended: (reason) => {
        for (const server of this.#servers) server.sessionEnded(reason);
      },
    });
  }

  /** Serves one more client. @throws StateError while there is no session */
  serve(socket: ClientSocket, rights: Rights): void {
    const { greeting } = this.#vm;
    if (!greeting) throw new StateError(`${this.#vm.name}: there is no session to QEMU`);
    const server = new VmServer(socket, { greeting, caller: this.#vm.join() }, rights, this.#limits);
    this.#servers.add(server);
    server.start(() => this.#servers.delete(server));
  }
}
