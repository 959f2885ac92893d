/**
 * `rx-qmp/fleet`: the VMs of many hosts over NATS, for browsers and Node. Needs `@nats-io/nats-core` and `@nats-io/jetstream`.
 *
 * @packageDocumentation
 */

export { FleetClient, type FleetConnectorOptions, type FleetOptions } from './fleet/client/fleet-client.js';
export type { Delivery } from './fleet/client/consume.js';
export type { FleetEvent, FleetGap, FleetState, FleetVm, Position, Where } from './fleet/client/fleet-types.js';
export type { HistoryRange } from './fleet/client/history.js';
