// Sockets read into one buffer: what a consumer keeps of a chunk without copying it must be seen to spoil, in every spec.
const net = require('node:net');

const POISONED = Symbol.for('rx-qmp spec: poisoned');

if (!net[POISONED]) {
  net[POISONED] = true;
  const connect = net.connect;
  net.connect = (options, ...rest) => {
    if (typeof options !== 'object' || !options.onread) return connect(options, ...rest);
    const { buffer, callback } = options.onread;
    const onread = {
      buffer,
      callback: (length, chunk) => {
        const goOn = callback(length, chunk);
        chunk.fill('}');
        return goOn;
      },
    };
    return connect({ ...options, onread }, ...rest);
  };
}
