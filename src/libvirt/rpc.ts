import { connect, type Socket } from 'node:net';
import { stoppedReading } from '../transport/send-limit.js';
import { LibvirtError, readError } from './libvirt-error.js';
import { PROGRAM_VERSION, type Procedure } from './procedures.js';
import { XdrReader, XdrWriter } from './xdr.js';

/** Receives events and the end of the connection. */
export interface RpcHost {
  event(procedure: Procedure, reader: XdrReader): void;
  /** The connection has ended, and why; once, after all that came before. */
  ended(cause: Error): void;
}

const CALL = 0;
const REPLY = 1;
const EVENT = 2;
const OK = 0;
/** Bytes: length, program, version, procedure, type, serial, status. */
const HEADER = 28;
/** Bytes; libvirt's own limit for a message. */
const LONGEST = 32 * 1024 * 1024 + HEADER;

interface Call {
  resolve(reader: XdrReader): void;
  reject(error: Error): void;
}

/** Calls of libvirt's daemon over its unix socket. */
export class Rpc {
  readonly #socket: Socket;
  readonly #host: RpcHost;
  readonly #calls = new Map<number, Call>();
  #serial = 0;
  /** The message that has begun: its length, as far as it is there, then the whole. */
  #message: Buffer = Buffer.alloc(4);
  #filled = 0;
  #ended: Error | undefined;

  private constructor(socket: Socket, host: RpcHost) {
    this.#socket = socket;
    this.#host = host;
    socket.on('data', (chunk) => {
      this.#take(chunk);
    });
    socket.on('error', (cause) => {
      this.end(cause);
    });
    socket.on('close', () => {
      this.end(new Error('libvirt has closed the connection'));
    });
  }

  /** Rejects with the error of the socket. */
  static open(path: string, host: RpcHost): Promise<Rpc> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Rpc(socket, host));
      });
    });
  }

  /** Rejects with {@link LibvirtError} if libvirt refuses, or with the reason of the end. */
  call([program, procedure]: Procedure, args: XdrWriter = new XdrWriter()): Promise<XdrReader> {
    if (this.#ended) return Promise.reject(this.#ended);
    const body = args.bytes;
    const length = HEADER + body.length;
    if (length > LONGEST) {
      return Promise.reject(new LibvirtError(`libvirt takes at most ${LONGEST} bytes in a message, not ${length}`, 0));
    }
    const serial = (this.#serial += 1);
    const header = new XdrWriter();
    for (const value of [length, program, PROGRAM_VERSION, procedure, CALL, serial, OK]) header.int(value);
    return new Promise((resolve, reject) => {
      this.#calls.set(serial, { resolve, reject });
      this.#socket.write(header.raw(body).bytes);
      const stopped = stoppedReading(this.#socket.writableLength);
      if (stopped) this.end(stopped);
    });
  }

  /** Ends the connection; whoever waits for a reply is rejected with the cause. May be called again. */
  end(cause: Error): void {
    if (this.#ended) return;
    this.#ended = cause;
    this.#socket.destroy();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(cause);
    this.#host.ended(cause);
  }

  #take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      const copied = chunk.copy(this.#message, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < this.#message.length) return;
      try {
        this.#complete();
      } catch (cause) {
        this.end(new Error(`what was received is not libvirt's protocol: ${(cause as Error).message}`, { cause }));
      }
    }
  }

  /** The length of a message is there, or all of it. */
  #complete(): void {
    const length = this.#message.readUInt32BE(0);
    if (this.#filled === 4) {
      if (length < HEADER || length > LONGEST) throw new RangeError(`a message of ${length} bytes`);
      const whole = Buffer.allocUnsafe(length);
      this.#message.copy(whole);
      this.#message = whole;
      return;
    }
    const reader = new XdrReader(this.#message.subarray(4));
    this.#message = Buffer.alloc(4);
    this.#filled = 0;
    this.#dispatch(reader);
  }

  #dispatch(reader: XdrReader): void {
    const program = reader.unsigned();
    reader.int(); // version
    const procedure = reader.int();
    const type = reader.int();
    const serial = reader.int();
    const status = reader.int();
    if (type === EVENT) this.#host.event([program, procedure], reader);
    if (type !== REPLY) return;
    const call = this.#calls.get(serial);
    this.#calls.delete(serial);
    if (status === OK) call?.resolve(reader);
    else call?.reject(readError(reader));
  }
}
