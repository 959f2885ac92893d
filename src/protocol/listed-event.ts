import type { EventMap } from './qapi/event-map.js';

/** When QEMU emitted an event, by the host's clock. Both are `-1` where the host's clock failed. */
export interface Timestamp {
  /** Whole seconds since 1970. */
  readonly seconds: number;
  /** The rest of the time, below a million. */
  readonly microseconds: number;
}

/** An event that an {@link EventMap} lists. Editors show this name, so it is that of the type which programs write. */
export interface QmpEvent<N extends keyof EventMap> {
  /** Its name. */
  readonly event: N;
  /** When QEMU emitted it. */
  readonly timestamp: Timestamp;
  /** Its data; `undefined` for an event that has none. */
  readonly data: EventMap[N];
}
