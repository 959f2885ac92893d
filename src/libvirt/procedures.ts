/** The number of a program of libvirt's daemon, and of one of its procedures: facts of its remote protocol. */
export type Procedure = readonly [program: number, procedure: number];

export const PROGRAM_VERSION = 1;

const REMOTE = 0x20008086;
const QEMU = 0x20008087;

export const CONNECT_OPEN: Procedure = [REMOTE, 1];
export const LOOK_UP_BY_NAME: Procedure = [REMOTE, 23];
export const AUTH_LIST: Procedure = [REMOTE, 66];
export const AUTH_POLKIT: Procedure = [REMOTE, 70];
export const REGISTER_DOMAIN_EVENT: Procedure = [REMOTE, 316];
export const LIFECYCLE_EVENT: Procedure = [REMOTE, 318];

export const MONITOR_COMMAND: Procedure = [QEMU, 1];
export const AGENT_COMMAND: Procedure = [QEMU, 3];
export const REGISTER_MONITOR_EVENT: Procedure = [QEMU, 4];
export const MONITOR_EVENT: Procedure = [QEMU, 6];

export function same([program, procedure]: Procedure, other: Procedure): boolean {
  return program === other[0] && procedure === other[1];
}
