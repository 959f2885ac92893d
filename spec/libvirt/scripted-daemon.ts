import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { XdrReader, XdrWriter } from '../../src/libvirt/xdr.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A call as the daemon got it. */
export interface Call {
  readonly program: number;
  readonly procedure: number;
  readonly serial: number;
  readonly args: XdrReader;
}

export const REMOTE = 0x20008086;
export const QEMU = 0x20008087;

/** A domain as XDR. */
export function domainOf(name: string, id = 1): Buffer {
  return new XdrWriter().string(name).raw(Buffer.alloc(16, 7)).int(id).bytes;
}

/** A stand-in for libvirt's daemon that does what a spec tells it to; by default, what a real one does for a domain `vm1`. */
export class ScriptedDaemon {
  readonly folder = temporaryFolder();
  readonly socket: string = join(this.folder.path, 'sock');
  readonly options: { readonly uri: string; readonly socket: string } = { uri: 'qemu:///system', socket: this.socket };
  readonly calls: Call[] = [];
  /** Takes a call before the default does; true if that was all. */
  onCall: ((call: Call) => boolean) | undefined;
  peer: Socket | undefined;
  #server: Server | undefined;

  async start(): Promise<void> {
    this.#server = createServer((socket) => {
      this.peer = socket;
      socket.on('error', () => undefined);
      let received = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 4 && received.length >= received.readUInt32BE(0)) {
          const length = received.readUInt32BE(0);
          this.#take(new XdrReader(received.subarray(4, length)));
          received = received.subarray(length);
        }
      });
    });
    this.#server.listen(this.socket);
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.peer?.destroy();
    const closed = once(this.#server as Server, 'close');
    this.#server?.close();
    await closed;
    this.folder.remove();
  }

  reply({ program, procedure, serial }: Call, body: Buffer = Buffer.alloc(0), status = 0): void {
    this.send(program, procedure, 1, serial, status, body);
  }

  refuse(call: Call, code: number, message: string): void {
    this.reply(call, new XdrWriter().int(code).int(0).present().string(message).int(2).absent().bytes, 1);
  }

  event(program: number, procedure: number, body: Buffer): void {
    this.send(program, procedure, 2, 0, 0, body);
  }

  send(program: number, procedure: number, type: number, serial: number, status: number, body: Buffer): void {
    const message = new XdrWriter().int(28 + body.length);
    for (const value of [program, 1, procedure, type, serial, status]) message.int(value);
    this.peer?.write(message.raw(body).bytes);
  }

  #take(reader: XdrReader): void {
    const [program, , procedure, , serial] = Array.from({ length: 6 }, () => reader.unsigned());
    const call: Call = { program, procedure, serial, args: reader } as Call;
    this.calls.push(call);
    if (this.onCall?.(call)) return;
    if (program === QEMU && procedure === 1) this.reply(call, new XdrWriter().string(answer(call.args)).bytes);
    else if (procedure === 23) this.reply(call, domainOf('vm1'));
    else if (procedure === 66) this.reply(call, new XdrWriter().int(1).int(0).bytes);
    else this.reply(call, new XdrWriter().int(1).bytes);
  }
}

/** The reply of QEMU, as libvirt passes it on. */
function answer(args: XdrReader): string {
  args.string();
  args.take(20);
  const { execute } = JSON.parse(args.string()) as { execute: string };
  const result = execute === 'query-version' ? { qemu: { major: 7, minor: 2, micro: 0 }, package: '' } : {};
  return JSON.stringify({ return: result, id: 'libvirt-7' });
}
