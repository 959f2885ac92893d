/* Connecting */
export { connect, type ConnectOptions } from './transport/node/connect.js';
export { address, type Address } from './transport/node/address.js';
export { tcp, unixSocket, type TcpOptions } from './transport/node/socket.js';
export { accept, type AcceptOptions } from './transport/node/accept.js';
export { streams } from './transport/node/streams.js';
