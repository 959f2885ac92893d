import { setImmediate } from 'node:timers/promises';
import { firstValueFrom, filter, map, type Observable } from 'rxjs';
import type { NatsConnection, ConnectionOptions } from '@nats-io/transport-node';
import { createAgent, type Agent } from 'rx-qmp/agent';
import type { AgentOptions } from '../../src/fleet/agent/options.js';
import { FleetClient, type FleetVm } from 'rx-qmp/fleet';
import type { FakeQemu } from 'rx-qmp/testing';
import { startNats, type NatsServer } from '../support/nats.js';

/** Everything a spec starts: ended in the opposite order by {@link end}. */
export class FleetUnderTest {
  server!: NatsServer;
  readonly #ends: (() => Promise<void>)[] = [];

  async start(configuration?: Parameters<typeof startNats>[0]): Promise<this> {
    this.server = await startNats(configuration);
    this.#ends.push(() => this.server.stop());
    return this;
  }

  connect(options?: ConnectionOptions): Promise<NatsConnection> {
    return this.server.connect(options);
  }

  /** An agent with a connection of its own and a short beat. */
  async agent(host: string, options: Partial<AgentOptions> = {}): Promise<Agent> {
    const nats = options.nats ?? (await this.connect());
    const agent = await createAgent({ host, beat: 500, ...options, nats });
    this.#ends.push(() => agent.close());
    return agent;
  }

  async client(nats?: NatsConnection): Promise<FleetClient> {
    const fleet = new FleetClient(nats ?? (await this.connect()));
    this.#ends.push(() => fleet.close());
    return fleet;
  }

  later(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

/** Resolves when the log holds so many messages of the agent, markers included. */
export async function stored(agent: Agent, count: number): Promise<void> {
  while (!agent.metrics().includes(`rxqmp_agent_log_stored_total ${count}\n`)) await setImmediate();
}

/** The names of the commands that reached a QEMU. */
export function commandsOf(qemu: FakeQemu): string[] {
  return qemu.received.map((command) => ('execute' in command ? command.execute : command['exec-oob']) ?? '');
}

/** Resolves with the VM once it is as wanted. */
export function vmOnce(
  vms$: Observable<readonly FleetVm[]>,
  name: string,
  wanted: (vm: FleetVm) => boolean,
): Promise<FleetVm> {
  return firstValueFrom(
    vms$.pipe(
      map((vms) => vms.find((vm) => vm.name === name)),
      filter((vm): vm is FleetVm => vm !== undefined && wanted(vm)),
    ),
  );
}
