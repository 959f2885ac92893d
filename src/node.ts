/* Connecting */
export { connect, type ConnectOptions } from './client/node/connect.js';
export { address, type Address } from './transport/node/address.js';
export { tcp, unixSocket, type TcpOptions } from './transport/node/socket.js';
export { accept, type AcceptOptions } from './transport/node/accept.js';
export { streams } from './transport/node/streams.js';
export { serve, type Served } from './transport/node/serve.js';

/* The hub */
export { createHub, type Hub } from './hub/server/hub.js';
export type { HubLimits, HubOptions } from './hub/server/options.js';
export { readTokenFile, type HubToken } from './hub/server/tokens.js';
export type { Role } from './gateway/vm-info.js';
