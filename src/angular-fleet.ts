/**
 * `rx-qmp/angular/fleet`: the VMs of many hosts in Angular, over NATS.
 *
 * @packageDocumentation
 */

export { provideQmpFleet } from './angular/provide-qmp-fleet.js';
export { injectQmpFleet, type QmpFleet } from './angular/inject-qmp-fleet.js';
