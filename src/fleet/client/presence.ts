import { auditTime, map, Observable, Subject } from 'rxjs';
import { Empty } from '@nats-io/nats-core';
import type { Logger } from '../../foundation/logger.js';
import { StateError } from '../../protocol/errors.js';
import { headersOf } from '../listen.js';
import { explained, isMissing, isRefusal, refusal } from '../nats-errors.js';
import { whenUnanswered } from '../missing-rights.js';
import { VMS_BUCKET } from '../store-names.js';
import { subjectOf } from '../subjects.js';
import { readHello } from '../wire.js';
import type { FleetVm, Where } from './fleet-types.js';
import type { FleetLink } from './vm-connection.js';
import { watchVms, type Entry } from './vms-watch.js';
import { hostOf } from './where.js';

/** Until the bucket is looked for again, where there is none. */
const AGAIN = 2_000;
/** Changes of so many milliseconds are one list: a list of 10,000 costs as much as 10,000 VMs. */
const TOGETHER = 50;
/** What a host has to answer in when the list is first made; if it does not, its next beat will tell. */
const FIRST_ANSWER = 1_000;

/** What the bucket says of a VM. */
type Told = Omit<FleetVm, 'name' | 'host'> & { readonly epoch: number; readonly stopped?: boolean };

/** One host, as its agent's beats and the bucket tell it. */
class Host {
  readonly vms: Map<string, Told> = new Map();
  /** Of its agent, as far as it was heard or has written. */
  epoch = 0;
  stopped = false;
  heard = false;
  /** Since when it is not heard. */
  since: string = new Date().toISOString();
  /** The VMs as they were listed last; undefined once something has changed. */
  list: readonly FleetVm[] | undefined;
  /** Ends the question whether it is there. */
  cancel: (() => void) | undefined;
}

/** The VMs of the fleet, as the agents have written them, and `unknown` where an agent is not heard. */
export function presence(link: FleetLink, where: Where, logger: Logger | undefined): Observable<readonly FleetVm[]> {
  return new Observable((subscriber) => {
    const board = new Presence(link, where, logger);
    const changes = new Subject<void>();
    const list$ = changes.pipe(
      auditTime(TOGETHER),
      map(() => board.list),
    );
    subscriber.add(list$.subscribe(subscriber));
    subscriber.add(() => {
      board.end();
    });
    board.start({
      changed: () => {
        changes.next();
      },
      completed: () => {
        subscriber.complete();
      },
      refused: (error) => {
        subscriber.error(error);
      },
    });
  });
}

interface PresenceHost {
  readonly changed: () => void;
  readonly completed: () => void;
  /** A right is missing, and nothing more will come. */
  readonly refused: (error: StateError) => void;
}

class Presence {
  readonly #link: FleetLink;
  readonly #where: Where;
  readonly #logger: Logger | undefined;
  readonly #hosts = new Map<string, Host>();
  readonly #teardown: (() => void)[] = [];
  /** VMs that the bucket had before the watch began again, and that it has not shown since. */
  #unseen = new Set<string>();
  #loaded = false;
  #ended = false;
  #stopWatch: (() => void) | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #changed: () => void = () => undefined;
  #refused: (error: StateError) => void = () => undefined;

  constructor(link: FleetLink, where: Where, logger: Logger | undefined) {
    this.#link = link;
    this.#where = where;
    this.#logger = logger;
  }

  get list(): readonly FleetVm[] {
    return [...this.#hosts].flatMap(([name, host]) => (host.list ??= listOf(name, host)));
  }

  start({ changed, completed, refused }: PresenceHost): void {
    const { status, beats } = this.#link;
    const heartbeat = beats.patternOf(hostOf(this.#where));
    if (status.closed) {
      completed();
      return;
    }
    this.#changed = () => {
      if (this.#loaded) changed();
    };
    this.#refused = refused;
    this.#teardown.push(
      beats.watch(hostOf(this.#where), {
        beat: (name, { epoch, stopped = false }) => {
          const host = this.#hosts.get(name);
          if (!host || (host.heard !== stopped && host.epoch === epoch && host.stopped === stopped)) return;
          this.#update(host, { heard: !stopped, epoch, stopped });
        },
        silent: (name) => {
          const host = this.#hosts.get(name);
          if (host) this.#update(host, { heard: false });
        },
      }),
      status.watch({
        disconnected: () => {
          for (const host of this.#hosts.values()) this.#update(host, { heard: false });
        },
        // The watch may have gone with its server.
        reconnected: () => void this.#follow(),
        closed: completed,
        unsubscribed: (pattern) => {
          if (pattern === heartbeat) refused(new StateError(refusal('subscribe', pattern)));
        },
      }),
      whenUnanswered(status, `KV_${VMS_BUCKET}`, refused),
    );
    void this.#follow();
  }

  end(): void {
    this.#ended = true;
    this.#stopWatch?.();
    clearTimeout(this.#retry);
    clearTimeout(this.#patience);
    for (const host of this.#hosts.values()) host.cancel?.();
    for (const stop of this.#teardown) stop();
  }

  async #follow(): Promise<void> {
    this.#stopWatch?.();
    this.#stopWatch = undefined;
    clearTimeout(this.#retry);
    this.#unseen = new Set([...this.#hosts].flatMap(([name, { vms }]) => [...vms.keys()].map((vm) => `${name}/${vm}`)));
    const again = (): void => {
      if (this.#ended) return;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => void this.#follow(), AGAIN);
    };
    try {
      const stop = await watchVms(this.#link.status.nats, this.#where, {
        entry: (entry) => {
          this.#take(entry);
        },
        loaded: () => {
          this.#load();
        },
        ended: again,
      });
      if (this.#ended) stop();
      else this.#stopWatch = stop;
    } catch (error) {
      if (isRefusal(error)) {
        this.#refused(explained(error, 'the list of VMs'));
        return;
      }
      // No bucket, as long as no agent was ever here: there are no VMs. Else nobody knows: what was known stays.
      if (isMissing(error)) this.#load();
      else this.#logger?.warn(`which VMs there are is not known: ${(error as Error).message}`);
      again();
    }
  }

  /** All the bucket has was handed over; whether the agents are there is asked, since their beats come slowly. */
  #load(): void {
    for (const name of this.#unseen) {
      const slash = name.indexOf('/');
      const host = this.#hosts.get(name.slice(0, slash));
      host?.vms.delete(name.slice(slash + 1));
      if (host) host.list = undefined;
    }
    this.#unseen.clear();
    const asked = [...this.#hosts].map(([name, host]) => this.#ask(name, host));
    const answered = (): void => {
      clearTimeout(this.#patience);
      this.#loaded = true;
      if (!this.#ended) this.#changed();
    };
    clearTimeout(this.#patience);
    this.#patience = setTimeout(answered, FIRST_ANSWER);
    void Promise.all(asked).then(answered);
  }

  #take({ host: name, vm, value }: Entry): void {
    const host = this.#hosts.get(name) ?? new Host();
    if (!this.#hosts.has(name)) {
      this.#hosts.set(name, host);
      const beat = this.#link.beats.of(name);
      const stopped = beat?.stopped === true;
      if (beat) Object.assign(host, { heard: !stopped, stopped, epoch: beat.epoch });
      else if (this.#loaded) void this.#ask(name, host, vm);
    }
    if (vm === undefined) {
      const epoch = Number(value?.['epoch']);
      if (epoch >= host.epoch) this.#update(host, { epoch, stopped: value?.['stopped'] === true });
      return;
    }
    this.#unseen.delete(`${name}/${vm}`);
    if (isTold(value)) host.vms.set(vm, value);
    else host.vms.delete(vm);
    this.#update(host, {});
  }

  /** Resolves when its agent has answered, or the server has said that there is none. */
  #ask(name: string, host: Host, vm = [...host.vms.keys()][0]): Promise<void> {
    host.cancel?.();
    if (host.heard || host.stopped || vm === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const subject = `${subjectOf('cmd', { host: name, vm })}.s.hello`;
      try {
        host.cancel = this.#link.replies.ask(subject, Empty, undefined, (reply) => {
          host.cancel?.();
          const answer = headersOf(reply)?.code === 503 ? undefined : readHello(reply.string());
          if (answer) {
            this.#link.beats.expect(name, answer.every);
            this.#update(host, { heard: true, epoch: Math.max(host.epoch, answer.epoch), stopped: false });
          }
          resolve();
        });
      } catch {
        resolve(); // closed meanwhile
      }
    });
  }

  #update(host: Host, change: Partial<Pick<Host, 'epoch' | 'stopped' | 'heard'>>): void {
    if (host.heard && change.heard === false) host.since = new Date().toISOString();
    Object.assign(host, change);
    host.list = undefined;
    this.#changed();
  }
}

function listOf(hostName: string, host: Host): readonly FleetVm[] {
  return [...host.vms].map(([vm, { epoch, stopped = false, ...told }]) => {
    const known = { ...told, name: `${hostName}/${vm}`, host: hostName };
    const doubt = doubtOf(host, { ...told, epoch, stopped });
    return doubt === undefined ? known : { ...known, state: 'unknown', since: host.since, reason: doubt };
  });
}

/** Why nothing is known of it now. */
function doubtOf(host: Host, { state, epoch, stopped }: Told): string | undefined {
  if (host.stopped || (stopped && !host.heard && epoch >= host.epoch)) return 'agent stopped';
  if (!host.heard) return 'its agent is not heard';
  if (epoch < host.epoch && state !== 'gone') return 'its agent has started again, without it';
  return undefined;
}

const STATES = ['connecting', 'ready', 'unresponsive', 'gone'];

/** Whatever else is in the bucket is not shown. */
function isTold(value: Record<string, unknown> | undefined): value is Told & Record<string, unknown> {
  const { state, since, epoch } = value ?? {};
  return STATES.includes(state as string) && typeof since === 'string' && Number.isSafeInteger(epoch);
}
