import type { OfferedVm } from '../../gateway/offered-vm.js';
import type { OfferedVms } from '../../gateway/offered-vms.js';
import type { VmInfo } from '../../gateway/vm-info.js';
import type { ChangeFrame, HubGreeting, HubRights } from '../protocol.js';
import type { ClientSocket } from './client-socket.js';
import type { EventLog } from './event-log.js';
import type { TurnEnd } from './turn-end.js';
import type { View } from './visitor.js';
import { Watcher, type Change, type Turn, type WatchRequest } from './watcher.js';

/** Those who watch all VMs, by `/events`. */
export class Watchers {
  readonly #vms: OfferedVms;
  readonly #log: EventLog;
  readonly #turnEnd: TurnEnd;
  readonly #watchers = new Set<Watcher>();
  #changes = new Map<string, Change>();
  readonly #pump = (): void => {
    const turn: Turn = { changes: this.#changes, made: new Map() };
    this.#changes = new Map();
    for (const watcher of this.#watchers) watcher.pump(turn);
  };

  constructor(vms: OfferedVms, log: EventLog, turnEnd: TurnEnd) {
    this.#vms = vms;
    this.#log = log;
    this.#turnEnd = turnEnd;
    vms.subscribe({
      added: (vm) => {
        this.#follow(vm);
      },
      removed: ({ name }) => {
        this.#log.forget(name);
        // Came and went in one turn: nobody needs to know.
        if (this.#changes.get(name) === 'added') this.#changes.delete(name);
        else this.#note(name, 'removed');
      },
    });
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** Sends one client everything there is to see, until it leaves. */
  watch(socket: ClientSocket, request: WatchRequest): void {
    const watcher = new Watcher(socket, request, {
      log: this.#log,
      textOf: (changes) => this.#textOf(changes),
    });
    this.#watchers.add(watcher);
    socket.serve(
      () => {
        socket.cutOff('protocol', '/events takes no messages');
      },
      () => this.#watchers.delete(watcher),
    );
    socket.send(`${JSON.stringify(this.greeting(request.rights, request.view))}\n`);
    this.#turnEnd.defer(this.#pump);
  }

  /** The first line. */
  greeting(rights: HubRights, view: View): HubGreeting {
    const { role, name, allow, screen } = rights;
    return {
      hub: { protocol: 1, epoch: this.#log.epoch, role, name, allow, screen },
      n: this.#log.last,
      vms: this.#vms.list.filter((vm) => view.shows(vm.name)),
    };
  }

  #follow(vm: OfferedVm): void {
    // A VM that goes and comes again in one turn is a change to those who knew it.
    this.#note(vm.name, this.#changes.get(vm.name) === 'removed' ? 'changed' : 'added');
    vm.subscribe({
      event: (text, n) => {
        this.#log.append(vm.name, n, text);
        if (this.#watchers.size > 0) this.#turnEnd.defer(this.#pump);
      },
      changed: () => {
        if (!this.#changes.has(vm.name)) this.#note(vm.name, 'changed');
      },
      ended: () => undefined,
    });
  }

  #note(name: string, change: Change): void {
    if (this.#watchers.size === 0) return;
    this.#changes.set(name, change);
    this.#turnEnd.defer(this.#pump);
  }

  #textOf(changes: ReadonlyMap<string, Change>): string {
    const those = (wanted: Change): string[] =>
      [...changes].flatMap(([name, change]) => (change === wanted ? name : []));
    const infos = (wanted: Change): VmInfo[] => those(wanted).flatMap((name) => this.#vms.get(name)?.info ?? []);
    const [added, removed, changed] = [infos('added'), those('removed'), infos('changed')];
    const frame: ChangeFrame = {
      ...(added.length > 0 && { added }),
      ...(removed.length > 0 && { removed }),
      ...(changed.length > 0 && { changed }),
    };
    const text = JSON.stringify(frame);
    return text === '{}' ? '' : `${text}\n`;
  }
}
