import { inject, NgZone, PLATFORM_ID } from '@angular/core';
import type { Connector } from '../transport/connection.js';
import { StateError } from '../protocol/errors.js';

/** True where a page is rendered on a server: nothing is opened there. */
export function injectIsServer(): boolean {
  return inject(PLATFORM_ID, { optional: true }) === 'server';
}

/** Runs a function outside the Angular zone, if there is one: what a socket tells is no reason to check every component. */
export function injectOutsideZone(): <T>(fn: () => T) => T {
  const zone = inject(NgZone, { optional: true });
  return zone ? (fn) => zone.runOutsideAngular(fn) : (fn) => fn();
}

/** Stands in for the connector on a server. */
export const unopened: Connector = Object.assign(
  () => Promise.reject(new StateError('nothing is connected while a page is rendered on the server')),
  { address: 'qmp (not opened on the server)' },
);
