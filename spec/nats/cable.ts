import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be cut as a cable is: nobody is told, and what was sent meanwhile arrives when it is mended. */
export class Cable {
  readonly url: string;
  readonly #close: () => Promise<void>;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  private constructor(port: number, close: () => Promise<void>) {
    this.url = `127.0.0.1:${port}`;
    this.#close = close;
  }

  static async to(port: number): Promise<Cable> {
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        cable.#add(from);
        from.on('data', (data) => to.write(data));
        from.on('error', () => undefined).on('close', () => to.destroy());
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const cable = new Cable((server.address() as AddressInfo).port, async () => {
      for (const socket of cable.#sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    return cable;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mend(): void {
    this.#cut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): Promise<void> {
    return this.#close();
  }

  #add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.#cut) socket.pause();
  }
}
