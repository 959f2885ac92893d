import type Koffi from 'koffi';
import { endianness } from 'node:os';
import { QmpError } from '../../../protocol/errors.js';

/**
 * Sends bytes and file descriptors over a socket by one `sendmsg(2)`.
 *
 * @returns how many of the bytes were sent, with all the descriptors; or the name of the error, when nothing was
 */
export type SendMessage = (socket: number, bytes: Uint8Array, fds: readonly number[]) => number | string;

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** Bytes of a `cmsghdr`: length, level, type. */
const CONTROL_HEADER = 16;

/** Rejects with an error that says what is missing. */
export async function loadSendMessage(): Promise<SendMessage> {
  const wide = /64|s390x/.test(process.arch);
  if (process.platform !== 'linux' || !wide || endianness() !== 'LE') {
    throw new QmpError(
      `file descriptors are passed on Linux with 64 bits only, not on ${process.platform} ${process.arch}`,
    );
  }
  const koffi = await loadKoffi();
  const iovec = koffi.struct({ iov_base: 'void *', iov_len: 'size_t' });
  const msghdr = koffi.struct({
    msg_name: 'void *',
    msg_namelen: 'uint32_t',
    msg_iov: koffi.pointer(iovec),
    msg_iovlen: 'size_t',
    msg_control: 'void *',
    msg_controllen: 'size_t',
    msg_flags: 'int',
  });
  // Of the program itself, which has the C library, whatever that is called.
  const sendmsg = koffi.load(null).func('sendmsg', 'int64_t', ['int', koffi.pointer(msghdr), 'int']);
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
  return (socket, bytes, fds) => {
    const control = rights(fds);
    const message = {
      msg_name: null,
      msg_namelen: 0,
      msg_iov: { iov_base: bytes, iov_len: bytes.length },
      msg_iovlen: 1,
      msg_control: control,
      msg_controllen: control.length,
      msg_flags: 0,
    };
    const sent = Number(sendmsg(socket, message, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (sent >= 0) return sent;
    const number = koffi.errno();
    return names.get(number) ?? `errno ${number}`;
  };
}

async function loadKoffi(): Promise<typeof Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new QmpError('passing file descriptors needs the package koffi, which cannot be loaded: npm install koffi', {
      cause,
    });
  }
}

/** The control message that carries the descriptors. */
function rights(fds: readonly number[]): Buffer {
  const length = CONTROL_HEADER + 4 * fds.length;
  const control = Buffer.alloc(Math.ceil(length / 8) * 8);
  control.writeBigUInt64LE(BigInt(length), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  fds.forEach((fd, at) => control.writeInt32LE(fd, CONTROL_HEADER + 4 * at));
  return control;
}
