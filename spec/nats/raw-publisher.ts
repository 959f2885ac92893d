import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that publishes any bytes as headers and payload, which no NATS client does. */
export class RawPublisher {
  readonly #socket: Socket;
  #said = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#said += text;
      if (text.includes('PING')) socket.write('PONG\r\n');
    });
  }

  static async connect(port: number): Promise<RawPublisher> {
    const socket = connect(port, '127.0.0.1');
    const publisher = new RawPublisher(socket);
    await once(socket, 'connect');
    socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true,"protocol":1}\r\n');
    await publisher.flush();
    return publisher;
  }

  publish(subject: string, reply: string, headers: Uint8Array, payload: Uint8Array): void {
    const words = [subject, ...(reply === '' ? [] : [reply])].join(' ');
    const sizes = headers.length > 0 ? `${headers.length} ${headers.length + payload.length}` : `${payload.length}`;
    this.#socket.write(`${headers.length > 0 ? 'HPUB' : 'PUB'} ${words} ${sizes}\r\n`);
    this.#socket.write(Buffer.concat([headers, payload, Buffer.from('\r\n')]));
  }

  /** Resolves when the server has read all of it. @throws Error with what the server says against it */
  async flush(): Promise<void> {
    this.#said = '';
    this.#socket.write('PING\r\n');
    while (!this.#said.includes('PONG')) {
      await once(this.#socket, 'data');
      if (this.#said.includes('-ERR')) throw new Error(this.#said);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
