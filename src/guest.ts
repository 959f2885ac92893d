/* Connecting */
export { guestAgent } from './guest/guest-agent.js';

/* Helpers */
export { guestExec, type GuestExecOptions, type GuestExecResult } from './guest/guest-exec.js';
export { guestReadFile, guestWriteFile, type GuestReadOptions, type GuestWriteOptions } from './guest/guest-files.js';
export { guestAddresses, type GuestAddress } from './guest/guest-addresses.js';
export { guestInfo, type GuestInfo } from './guest/guest-info.js';
export { withFrozenFilesystems } from './guest/frozen-filesystems.js';
export type { GuestBytes } from './guest/base64.js';

/* Types of the agent's commands */
export type { GuestCommandMap } from './protocol/qga/command-map.js';
export type * as Qga from './protocol/qga/types.js';
