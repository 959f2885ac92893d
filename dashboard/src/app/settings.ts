import { InjectionToken } from '@angular/core';

/** Where the hub is, and the token for it; '' for none. */
export interface Settings {
  readonly hub: string;
  readonly token: string;
}

export const SETTINGS = new InjectionToken<Settings>('settings');

const KEY = 'rx-qmp-dashboard';

/**
 * What the address says behind its `#`, which no server ever sees, else what this tab knew before. The address is cleaned at
 * once, so that the token is neither shown nor kept in the browser's history.
 */
export function readSettings(): Settings {
  const given = new URLSearchParams(location.hash.slice(1));
  const known = JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Settings>;
  const settings = {
    hub: given.get('hub') ?? known.hub ?? `${location.protocol}//${location.hostname}:8765`,
    token: given.get('token') ?? known.token ?? '',
  };
  keepSettings(settings);
  history.replaceState(null, '', location.pathname);
  return settings;
}

/** Keeps them for as long as the tab is open. */
export function keepSettings(settings: Settings): void {
  sessionStorage.setItem(KEY, JSON.stringify(settings));
}
