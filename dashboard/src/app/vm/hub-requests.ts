import { inject, Injectable } from '@angular/core';
import { SESSION } from '../session';

/** Asks the hub over HTTP, with the token in a header. */
@Injectable({ providedIn: 'root' })
export class HubRequests {
  readonly #session = inject(SESSION);

  /** Rejects with the hub's words where it refuses. */
  async get(path: string, signal: AbortSignal): Promise<Response> {
    const { hub, token } = this.#session;
    const headers = new Headers(token === '' ? {} : { authorization: `Bearer ${token}` });
    const response = await fetch(`${hub}${path}`, { headers, signal, cache: 'no-store' });
    if (!response.ok) throw new Error((await response.text()).trim() || `the hub answers ${response.status}`);
    return response;
  }
}
