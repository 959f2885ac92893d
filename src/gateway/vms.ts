import type { Connector } from '../transport/connection.js';
import { show } from '../foundation/checks.js';
import type { Logger } from '../foundation/logger.js';
import type { HubFrame, VmInfo } from '../hub/protocol.js';
import type { ClientSocket } from '../hub/server/client-socket.js';
import type { HubLimits } from '../hub/server/options.js';
import type { Rights } from './rights.js';
import { Vm } from './vm.js';

/** What a VM may be called: it is a part of addresses, log lines and file names. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

export function isVmName(name: string): boolean {
  return NAME.test(name);
}

/** The VMs of a hub, and those who watch all of them. */
export class Vms {
  readonly #limits: HubLimits;
  readonly #logger: Logger | undefined;
  readonly #vms = new Map<string, Vm>();
  readonly #watchers = new Set<ClientSocket>();

  constructor(limits: HubLimits, logger: Logger | undefined) {
    this.#limits = limits;
    this.#logger = logger;
  }

  get all(): readonly Vm[] {
    return [...this.#vms.values()];
  }

  get list(): readonly VmInfo[] {
    return this.all.map((vm) => vm.info);
  }

  /** Watchers of `/events`. */
  get watchers(): number {
    return this.#watchers.size;
  }

  get(name: string): Vm | undefined {
    return this.#vms.get(name);
  }

  /** @throws TypeError if the name is taken, or is none */
  add(name: string, connector: Connector): Vm {
    if (!isVmName(name)) throw new TypeError(`a VM's name is letters, digits and _ . -, up to 100, not ${show(name)}`);
    if (this.#vms.has(name)) throw new TypeError(`there is a VM ${name} already`);
    const vm = new Vm(name, connector, {
      limits: this.#limits,
      logger: this.#logger,
      frame: (text) => {
        this.#broadcast(text);
      },
    });
    this.#vms.set(name, vm);
    this.#tellList();
    vm.start();
    return vm;
  }

  /** Ends its session and forgets it; its clients are told. Does nothing where there is no such VM. */
  async remove(name: string): Promise<void> {
    const vm = this.#vms.get(name);
    if (!vm) return;
    this.#vms.delete(name);
    await vm.close();
    this.#tellList();
  }

  /** Sends one client everything there is to see, until it leaves. */
  watch(socket: ClientSocket, { role, allow }: Rights): void {
    this.#watchers.add(socket);
    socket.serve(
      () => {
        socket.cutOff('protocol', '/events takes no messages');
      },
      () => this.#watchers.delete(socket),
    );
    socket.send(textOf({ hub: { role, allow }, vms: this.list }));
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((vm) => vm.close()));
    this.#vms.clear();
  }

  #tellList(): void {
    this.#broadcast(textOf({ vms: this.list }));
  }

  #broadcast(text: string): void {
    if (this.#watchers.size === 0) return;
    const bytes = Buffer.from(text);
    for (const watcher of this.#watchers) watcher.send(bytes);
  }
}

function textOf(frame: HubFrame): string {
  return `${JSON.stringify(frame)}\n`;
}
