import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { freePort } from '../../support/nats.js';
import { exit } from '../../support/qemu.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

interface Server {
  readonly name: string;
  readonly file: string;
  readonly url: string;
  process: ChildProcess | undefined;
}

/** One nats-server, or a cluster of several, which can be killed and started again with what they have stored. */
export class Cluster {
  readonly #servers: Server[] = [];
  readonly #folder = temporaryFolder();
  readonly #connections: NatsConnection[] = [];

  /** @param address on which all of them listen */
  static async start(size: number, address: string): Promise<Cluster> {
    const cluster = new Cluster();
    const { path } = cluster.#folder;
    const ports = await Promise.all(Array.from({ length: size }, freePort));
    const routes = await Promise.all(Array.from({ length: size }, freePort));
    for (const [at, port] of ports.entries()) {
      const name = `n${at + 1}`;
      const file = join(path, `${name}.conf`);
      const others = routes.map((route) => `nats://${address}:${route}`).join(', ');
      const lines = [
        ...[`server_name: ${name}`, `listen: "${address}:${port}"`, `jetstream { store_dir: "${join(path, name)}" }`],
        ...(size > 1 ? [`cluster { name: t, listen: "${address}:${routes[at] ?? 0}", routes: [${others}] }`] : []),
      ];
      writeFileSync(file, lines.join('\n'));
      cluster.#servers.push({ name, file, url: `${address}:${port}`, process: undefined });
    }
    await Promise.all(cluster.#servers.map((server) => cluster.restart(server.name)));
    return cluster;
  }

  get urls(): string[] {
    return this.#servers.map(({ url }) => url);
  }

  get names(): string[] {
    return this.#servers.map(({ name }) => name);
  }

  async connect(): Promise<NatsConnection> {
    const nats = await connect({
      ...{ servers: this.urls, maxReconnectAttempts: -1, reconnectTimeWait: 100, waitOnFirstConnect: true },
    });
    this.#connections.push(nats);
    return nats;
  }

  /** Resolves when it takes connections. */
  async restart(name: string): Promise<void> {
    const server = this.#find(name);
    const child = spawn('nats-server', ['-c', server.file], { stdio: ['ignore', 'ignore', 'pipe'] });
    server.process = child;
    await new Promise<void>((resolve) => {
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-10_000);
        if (said.includes('Server is ready')) resolve();
      });
      child.once('exit', resolve);
    });
  }

  /** SIGKILL, to all at once. */
  async kill(...names: string[]): Promise<void> {
    const children = names.map((name) => this.#find(name).process).filter((child) => child !== undefined);
    const gone = children.map(exit);
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(gone);
  }

  /** Resolves with the stream as soon as it has a leader and no copy of it is behind. */
  async healthy(stream: string): Promise<StreamInfo> {
    const jsm = await jetstreamManager(this.#connections[0] ?? (await this.connect()), { checkAPI: false });
    for (;;) {
      const info = await jsm.streams.info(stream).catch(() => undefined);
      const copies = info?.cluster?.replicas ?? [];
      const leads = this.#servers.length === 1 || info?.cluster?.leader !== undefined;
      if (info && leads && copies.every(({ current }) => current)) return info;
      await setTimeout(100);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#connections.map((nats) => nats.close()));
    await this.kill(...this.names.filter((name) => this.#find(name).process?.exitCode === null));
    this.#folder.remove();
  }

  #find(name: string): Server {
    const server = this.#servers.find((one) => one.name === name);
    if (!server) throw new Error(`there is no server ${name}`);
    return server;
  }
}
