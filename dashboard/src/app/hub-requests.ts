import { inject, Injectable } from '@angular/core';
import { SESSION } from './session';

/** Asks the hub over HTTP, with the token in a header. */
@Injectable({ providedIn: 'root' })
export class HubRequests {
  readonly #session = inject(SESSION);

  /** Rejects with the hub's words where it refuses. */
  async get(path: string, signal: AbortSignal): Promise<Response> {
    const response = await this.#ask(path, signal);
    if (!response.ok) throw new Error((await response.text()).trim() || `the hub answers ${response.status}`);
    return response;
  }

  /** The status with which the hub answers; 0 if nothing answers. */
  async status(path: string, signal: AbortSignal): Promise<number> {
    try {
      return (await this.#ask(path, signal)).status;
    } catch {
      return 0;
    }
  }

  #ask(path: string, signal: AbortSignal): Promise<Response> {
    const { hub, token } = this.#session;
    const headers: HeadersInit = token === '' ? {} : { authorization: `Bearer ${token}` };
    return fetch(`${hub}${path}`, { headers, signal, cache: 'no-store' });
  }
}
