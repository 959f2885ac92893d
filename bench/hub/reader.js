import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const CLOSE = 8;
const PING = 9;
const PONG = 10;

/**
 * A WebSocket client that costs next to nothing: it counts the bytes of what it is sent and looks at none of them, so that what is
 * measured is the server.
 */
export class Reader {
  /** Of all messages. */
  bytes = 0;
  messages = 0;
  ended = false;
  /** @type {() => void} */
  changed = () => undefined;
  #header = Buffer.alloc(0);
  /** Of the frame at hand. */
  #left = 0;
  #answersPings = true;

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket;
  }

  /**
   * Resolves when the server has agreed. Rejects with its status line if it does not.
   *
   * @param {string} url @param {string} token @returns {Promise<Reader>}
   */
  static open(url, token) {
    const { hostname, port, pathname, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
        `Authorization: Bearer ${token}\r\n\r\n`,
    );
    const reader = new Reader(socket);
    return new Promise((resolve, reject) => {
      let head = Buffer.alloc(0);
      const read = (chunk) => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', read);
        if (!head.subarray(0, 12).toString().endsWith('101')) {
          socket.destroy();
          reject(new Error(head.subarray(0, head.indexOf('\r\n')).toString()));
          return;
        }
        socket.on('data', (data) => reader.#read(data));
        reader.#read(head.subarray(end + 4));
        resolve(reader);
      };
      socket.on('data', read);
      socket.on('error', reject);
      socket.on('close', () => {
        reader.ended = true;
        reader.changed();
        reject(new Error('closed'));
      });
    });
  }

  /** Greeted, and through with capabilities. @param {string} url @param {string} token */
  static async negotiated(url, token) {
    const reader = await Reader.open(url, token);
    await reader.until(() => reader.messages >= 1);
    reader.send('{"execute":"qmp_capabilities"}');
    await reader.until(() => reader.messages >= 2);
    reader.bytes = 0;
    return reader;
  }

  /** @param {() => boolean} condition @returns {Promise<void>} */
  until(condition) {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition() && !this.ended) return;
        this.changed = () => undefined;
        resolve();
      };
      this.changed = look;
      look();
    });
  }

  /** @param {string} text */
  send(text) {
    this.socket.write(frameOf(1, Buffer.from(text)));
  }

  /** @param {Buffer} data */
  #read(data) {
    let at = 0;
    while (at < data.length) {
      if (this.#left === 0) {
        at += this.#begin(data.subarray(at));
      } else {
        const part = Math.min(this.#left, data.length - at);
        this.#left -= part;
        this.bytes += part;
        at += part;
      }
    }
    this.changed();
  }

  /** Reads the header of a frame; that of a ping with all of it. @param {Buffer} data */
  #begin(data) {
    const before = this.#header.length;
    const header = before > 0 ? Buffer.concat([this.#header, data.subarray(0, 140)]) : data;
    const short = header.length > 1 ? header[1] & 127 : 0;
    const size = short === 126 ? 4 : short === 127 ? 10 : 2;
    const opcode = header[0] & 15;
    const whole = opcode >= CLOSE ? size + short : size;
    if (header.length < whole) {
      this.#header = Buffer.from(header);
      return data.length;
    }
    this.#header = Buffer.alloc(0);
    if (opcode === PING && this.#answersPings) this.socket.write(frameOf(PONG, header.subarray(size, whole)));
    else if (opcode === CLOSE) this.socket.end();
    else if (opcode < CLOSE) {
      if (header[0] & 128) this.messages += 1;
      this.#left = short === 126 ? header.readUInt16BE(2) : short === 127 ? Number(header.readBigUInt64BE(2)) : short;
    }
    return whole - before;
  }
}

/** As a client sends it. The mask of noughts leaves the bytes as they are. @param {number} opcode @param {Buffer} payload */
export function frameOf(opcode, payload) {
  const { length } = payload;
  const size = length < 126 ? [128 | length] : [128 | 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([128 | opcode, ...size, 0, 0, 0, 0]), payload]);
}
