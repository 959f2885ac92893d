/// <reference lib="esnext.disposable" preserve="true" />
import { disposeBy } from '../foundation/disposal.js';
import type { EventName, QmpEvent } from '../protocol/message.js';
import type { FilterOf } from '../protocol/event-filter.js';
import type { KnownNames } from '../protocol/event-names.js';
import { EventListener, type ListenerOptions } from './event-listener.js';

/** A listener that its bus made and registered; {@link close} or `using` removes it. */
export class ScopedListener<N extends string = EventName, out E = QmpEvent<N>>
  extends EventListener<N, E>
  implements Disposable
{
  declare readonly [Symbol.dispose]: () => void;
  readonly #leave: () => void;

  /** @internal Made by `bus.listener()`. */
  constructor(
    names: KnownNames<N> | undefined,
    eventFilter: FilterOf<QmpEvent<N>> | undefined,
    options: ListenerOptions | undefined,
    leave: () => void,
  ) {
    super(names, eventFilter, options);
    this.#leave = leave;
  }

  /** Removes it from its bus, if it is still there. */
  close(): void {
    this.#leave();
  }

  static {
    disposeBy(this, 'close', 'dispose');
  }
}
