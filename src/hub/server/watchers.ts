import type { Rights, VmInfo } from '../../gateway/vm-info.js';
import type { Vms } from '../../gateway/vms.js';
import type { HubFrame } from '../protocol.js';
import type { ClientSocket } from './client-socket.js';

/** Those who watch all VMs, by `/events`. */
export class Watchers {
  readonly #vms: Vms;
  readonly #sockets = new Set<ClientSocket>();

  constructor(vms: Vms) {
    this.#vms = vms;
    vms.subscribe({
      added: (vm) => {
        this.#tellList();
        vm.subscribe({
          event: (text) => {
            this.#broadcast(`{"vm":${JSON.stringify(vm.name)},"event":${text}}\n`);
          },
          changed: (info) => {
            this.#tell(info);
          },
          ended: () => undefined,
        });
      },
      removed: () => {
        this.#tellList();
      },
    });
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Sends one client everything there is to see, until it leaves. */
  watch(socket: ClientSocket, { role, allow }: Rights): void {
    this.#sockets.add(socket);
    socket.serve(
      () => {
        socket.cutOff('protocol', '/events takes no messages');
      },
      () => this.#sockets.delete(socket),
    );
    socket.send(textOf({ hub: { role, allow }, vms: this.#vms.list }));
  }

  #tellList(): void {
    this.#broadcast(textOf({ vms: this.#vms.list }));
  }

  #tell(info: VmInfo): void {
    this.#broadcast(textOf({ vm: info.name, state: info }));
  }

  #broadcast(text: string): void {
    if (this.#sockets.size === 0) return;
    const bytes = Buffer.from(text);
    for (const socket of this.#sockets) socket.send(bytes);
  }
}

function textOf(frame: HubFrame): string {
  return `${JSON.stringify(frame)}\n`;
}
