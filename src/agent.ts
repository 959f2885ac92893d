/// <reference types="node" preserve="true" />
/**
 * `rx-qmp/agent`: the fleet's door on a host, for Node.
 *
 * @packageDocumentation
 */

export { createAgent, type Agent } from './fleet/agent/agent.js';
export type { AgentLimits, AgentOptions } from './fleet/agent/options.js';
export type { VmAddress, VmEnd, VmEnds } from './gateway/vm-address.js';
