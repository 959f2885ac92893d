/// <reference types="node" preserve="true" />
export { libvirt } from './libvirt/libvirt.js';
export { guestAgentOf } from './libvirt/guest-agent-of.js';
export { LibvirtError } from './libvirt/libvirt-error.js';
export type { LibvirtOptions, LibvirtUri } from './libvirt/daemon-sockets.js';
