import { InjectionToken } from '@angular/core';

/** The hub that serves this page, and the token for it; '' where the hub wants none. */
export interface Session {
  readonly hub: string;
  readonly token: string;
}

export const SESSION = new InjectionToken<Session>('session');

const KEY = 'rx-qmp-token';

/**
 * Takes the token from `#token=…`, which a browser sends to nobody, else what this tab knew before. The address is cleaned
 * before anything else reads it, so that the token is neither shown nor kept in the browser's history.
 */
export function openSession(): Session {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    keepToken(given);
    history.replaceState(null, '', `${location.pathname}${location.search}#/`);
  }
  return { hub: location.origin, token: given ?? sessionStorage.getItem(KEY) ?? '' };
}

/** Keeps it for as long as the tab is open. */
export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}
