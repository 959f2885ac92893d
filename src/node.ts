/// <reference types="node" preserve="true" />
/* Connecting */
export { connect, type ConnectOptions } from './client/node/connect.js';
export { address, type Address } from './transport/node/address.js';
export { tcp, unixSocket, type TcpOptions } from './transport/node/socket.js';
export { accept } from './transport/node/accept.js';
export type { AcceptOptions } from './transport/node/greeted-peers.js';
export { accept$, type AcceptClientsOptions } from './client/node/accept-clients.js';
export { streams } from './transport/node/streams.js';
export { webSocket } from './transport/node/web-socket.js';
export { HubClient } from './hub/node/hub-client.js';
export { serve, type Served } from './transport/node/serve.js';

/* A QEMU of the program's own */
export { launch, type LaunchedMachine, type LaunchOptions } from './machine/launch.js';
export { LaunchError, type ProcessEnd } from './machine/launch-error.js';
export { Machine, type StopOptions, type StopResult } from './machine/machine.js';
export type { PassedFd } from './machine/command-line.js';
export type { ConsoleWaitOptions, SerialConsole } from './machine/serial-console.js';
export { ConsoleError } from './machine/console-error.js';
export type { ShellResult } from './machine/shell-command.js';

/* Tasks that need a file on this host */
export { screenshot, type ScreenshotOptions } from './machine/screenshot.js';

/* The hub */
export { createHub, type Hub } from './hub/server/hub.js';
export type { HubLimits, HubOptions } from './hub/server/options.js';
export type { VmAddress, VmEnd, VmEnds } from './gateway/vm-address.js';
export type { PastEvent, SourceEvent, SourceRange, SourceVm, VmSource } from './gateway/vm-source.js';
export { readTokenFile, type HubToken } from './hub/server/tokens.js';
export type { Role } from './gateway/vm-info.js';
