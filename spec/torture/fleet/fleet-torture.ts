import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { filter, firstValueFrom, map } from 'rxjs';
import { backoff, type QmpClient } from 'rx-qmp';
import { FleetClient, type FleetEvent, type FleetGap } from 'rx-qmp/fleet';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { Child } from './child.js';
import { Cluster } from './cluster.js';
import { Commander, type CommandVerdict } from './commander.js';
import type { NetworkNamespace } from '../../support/network-namespace.js';
import { now, numbersOf, ReaderJudge, type Verdict } from './reader-judge.js';

/** What one VM's process notes. */
interface Journal {
  readonly emitted: readonly number[];
  readonly rare: readonly number[];
  readonly ran: readonly (readonly [tag: string, at: number])[];
}

export interface TortureOptions {
  readonly servers: number;
  readonly vmsPerHost: number;
  /** Events per second, of each VM. */
  readonly rate: number;
  readonly beat: number;
  /** The network of h1. */
  readonly namespace?: NetworkNamespace;
}

const HOSTS = ['h1', 'h2'] as const;
type Host = (typeof HOSTS)[number];
/** Milliseconds of what an agent has heard and not stored yet when it is killed; and until a new one has connected to its VMs. */
const IN_MEMORY = 1_000;
const RARE = 'DEVICE_DELETED';

/** Two hosts under load, those who read and steer them, and what is done to them; judged at the end. */
export class FleetTorture {
  readonly cluster: Cluster;
  readonly #options: TortureOptions;
  readonly #folder = temporaryFolder();
  readonly #machines = new Map<Host, Child>();
  readonly #agents = new Map<Host, Child>();
  readonly #clients: QmpClient[] = [];
  readonly #judges = new Map<string, ReaderJudge>();
  readonly #vms: readonly string[];
  /** When an agent was killed, and there again. */
  readonly #dead: { readonly host: Host; readonly from: number; until: number }[] = [];
  #journals: ReadonlyMap<string, Journal> = new Map();
  #fleet!: FleetClient;
  #commander!: Commander;

  private constructor(cluster: Cluster, options: TortureOptions) {
    this.cluster = cluster;
    this.#options = options;
    const names = Array.from({ length: options.vmsPerHost }, (_, at) => `vm${at + 1}`);
    this.#vms = HOSTS.flatMap((host) => names.map((name) => `${host}/${name}`));
  }

  static async start(options: TortureOptions): Promise<FleetTorture> {
    const cluster = await Cluster.start(options.servers, options.namespace?.here ?? '127.0.0.1');
    const torture = new FleetTorture(cluster, options);
    const { vmsPerHost, rate } = options;
    for (const host of HOSTS) {
      const folder = join(torture.#folder.path, host);
      mkdirSync(folder);
      torture.#machines.set(host, await Child.start('vms.cjs', [folder, vmsPerHost, rate]));
      await torture.startAgent(host);
    }
    await torture.#read();
    return torture;
  }

  /** The clock of h2 is slow, and shows another hour. */
  async startAgent(host: Host): Promise<void> {
    const { vmsPerHost, beat, namespace } = this.#options;
    const clock = host === 'h2' ? [0.97, 3_600_000] : [1, 0];
    const args = [host, this.cluster.urls.join(), join(this.#folder.path, host), vmsPerHost, beat, ...clock];
    this.#agents.set(host, await Child.start('agent.cjs', args, host === 'h1' ? namespace?.prefix : undefined));
    for (const dead of this.#dead) if (dead.host === host) dead.until = Math.min(dead.until, now() + IN_MEMORY);
  }

  async killAgent(host: Host): Promise<void> {
    this.#dead.push({ host, from: now() - IN_MEMORY, until: Infinity });
    await this.#agents.get(host)?.kill();
  }

  /** Resolves with the milliseconds until all VMs of the host are in the state. */
  async until(host: Host, state: string): Promise<number> {
    const began = now();
    const list$ = this.#fleet.vms$.pipe(map((vms) => vms.filter((vm) => vm.host === host)));
    await firstValueFrom(list$.pipe(filter((vms) => vms.length > 0 && vms.every((vm) => vm.state === state))));
    return now() - began;
  }

  /** Resolves when no more events of the host than that wait for the log: what waits in an agent dies with it. */
  async stored(host: Host, waiting = 50): Promise<void> {
    while (((await this.#agents.get(host)?.ask<number>()) ?? 0) > waiting) await setTimeout(100);
  }

  /** Ends the load, and waits until all that was heard is stored and told. */
  async settle(): Promise<void> {
    this.#commander.end();
    const journals = new Map<string, Journal>();
    for (const [host, child] of this.#machines) {
      const noted = await child.ask<Journal[]>();
      noted.forEach((journal, at) => journals.set(`${host}/vm${at + 1}`, journal));
    }
    this.#journals = journals;
    for (const host of HOSTS) await this.stored(host, 0);
    await setTimeout(4 * this.#options.beat);
  }

  /** What each live reader was handed. */
  live(): Map<string, Verdict> {
    return new Map([...this.#judges].map(([name, judge]) => [name, judge.judge()]));
  }

  /** What the log holds. */
  async log(): Promise<Verdict & { sessions: number }> {
    const judge = this.#judge(false);
    let sessions = 0;
    await this.#fleet.history().forEach((item) => {
      judge.hear(item);
      if (!('event' in item) && item.missed === undefined) sessions += 1;
    });
    return { ...judge.judge(), sessions };
  }

  commands(): CommandVerdict {
    return this.#commander.judge([...this.#journals.values()].flatMap(({ ran }) => ran));
  }

  get emitted(): number {
    return [...this.#journals.values()].reduce((sum, { emitted }) => sum + emitted.length, 0);
  }

  async stop(): Promise<void> {
    this.#commander.end();
    await this.#fleet.close();
    for (const child of [...this.#agents.values(), ...this.#machines.values()]) await child.kill();
    await this.cluster.stop();
    this.#folder.remove();
  }

  async #read(): Promise<void> {
    this.#fleet = new FleetClient(await this.cluster.connect());
    this.#fleet.vms$.subscribe(); // Kept, so that it is at hand.
    await Promise.all(HOSTS.map((host) => this.until(host, 'ready')));
    const readers: [name: string, fleet: FleetClient, names: readonly string[]][] = [
      ['all events', this.#fleet, []],
      ['one name', this.#fleet, [RARE]],
      ['another connection', new FleetClient(await this.cluster.connect()), []],
    ];
    for (const [name, fleet, names] of readers) {
      const judge = this.#judge(names.length > 0);
      this.#judges.set(name, judge);
      const where = names.length > 0 ? { names } : {};
      fleet.events$(where).subscribe((event) => {
        judge.hear(event);
      });
      fleet.gaps$(where).subscribe((gap) => {
        judge.hear(gap);
      });
      fleet.state$.pipe(filter(({ phase }) => phase === 'open')).subscribe(() => {
        judge.connected();
      });
    }
    const sessions = this.#judge(false);
    this.#fleet.state$.pipe(filter(({ phase }) => phase === 'open')).subscribe(() => {
      sessions.connected();
    });
    this.#judges.set('a client for each VM', sessions);
    for (const vm of this.#vms) {
      this.#clients.push(
        this.#client(vm, (item) => {
          sessions.hear(item);
        }),
      );
    }
    await Promise.all(this.#clients.map((client) => client.connect()));
    for (const child of this.#machines.values()) await child.ask();
    this.#commander = new Commander(this.#clients, 250);
  }

  #client(vm: string, hear: (item: FleetEvent | FleetGap) => void): QmpClient {
    const client = this.#fleet.client(vm, { reconnect: backoff({ from: 100, to: 1_000 }), executeTimeout: Infinity });
    client.events$.subscribe((event) => {
      hear({ vm, event, text: '', position: '' });
    });
    const gap = { vm, since: new Date(), until: new Date(), cause: 'the session' };
    // A client tells that its session is lost at once, and the gap when the next one begins.
    client.state$.pipe(filter(({ phase }) => phase === 'reconnecting')).subscribe(() => {
      hear(gap);
    });
    client.gaps$.subscribe(() => {
      hear(gap);
    });
    return client;
  }

  /** @param rare whether events of one name are read only */
  #judge(rare: boolean): ReaderJudge {
    return new ReaderJudge(
      this.#vms,
      (event) => numbersOf(event)[rare ? 'rare' : 'all'],
      (vm) => this.#journals.get(vm)?.[rare ? 'rare' : 'emitted'] ?? [],
      (vm, at) => this.#dead.some(({ host, from, until }) => vm.startsWith(`${host}/`) && at >= from && at <= until),
    );
  }
}
