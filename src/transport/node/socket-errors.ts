/** What to do about the errors that a wrong address or a missing QEMU gives. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket; is QEMU running, with -qmp unix:PATH,server=on,wait=off?',
  ECONNREFUSED: 'nobody listens there; is QEMU running, with server=on?',
  EACCES: 'permission denied; you need write permission on the socket, often that of the group of QEMU',
  ECONNRESET: 'the other end hung up; over TLS, it may want a client certificate that it trusts, or speak no TLS',
  EAGAIN: 'the monitor is busy: a monitor serves one client, and its waiting line is full',
  ENOTSOCK: 'that is not a socket',
  EPROTOTYPE: 'that is not a stream socket',
  ENOTFOUND: 'there is no such host',
  EADDRINUSE: 'the address is in use; if nobody listens on that socket any more, remove the file',
  EADDRNOTAVAIL: 'this machine does not have that address',
};

/** What the other end of a TLS handshake answers where it refuses a certificate, or misses one. */
const ALERT =
  /^ERR_SSL_.*_ALERT_(?:HANDSHAKE_FAILURE|(?:BAD_)?CERTIFICATE.*|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/;
const REFUSED =
  'the other end refused the TLS handshake; it may want a client certificate that it trusts: tls: { cert, key }';

/** The same error with the address and, where we know any, advice. */
export function explain(address: string, cause: Error): Error {
  const { code } = cause as NodeJS.ErrnoException;
  const advice = code === undefined ? undefined : ALERT.test(code) ? REFUSED : ADVICE[code];
  const text = textOf(cause).trim();
  const error = new Error(`${address}: ${advice === undefined ? text : `${advice} (${text})`}`, { cause });
  return Object.assign(error, code === undefined ? {} : { code });
}

/** Where a host has several addresses and none answers, Node's error has no message; those in it have. */
function textOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map((one) => textOf(one as Error)).join('; ') : error.message;
}
