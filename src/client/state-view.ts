import { Observable } from 'rxjs';
import { HotSource } from '../foundation/hot-source.js';
import { DeliveryQueue } from '../foundation/delivery-queue.js';
import type { ConnectionState } from './state.js';

/** Shows each subscriber the present state, then each change: all of them, in order, also those it causes itself. */
export class StateView {
  readonly #changes = new HotSource<ConnectionState>();
  #shown: ConnectionState;

  readonly observable: Observable<ConnectionState> = new Observable((subscriber) => {
    const deliveries = new DeliveryQueue<() => void>((deliver) => {
      deliver();
    });
    deliveries.push(() => {
      const watching = this.#changes.observable.subscribe({
        next: (state) => {
          deliveries.push(() => {
            subscriber.next(state);
          });
        },
        complete: () => {
          deliveries.push(() => {
            subscriber.complete();
          });
        },
      });
      subscriber.add(watching);
      subscriber.next(this.#shown);
    });
  });

  constructor(first: ConnectionState) {
    this.#shown = first;
  }

  next(state: ConnectionState): void {
    this.#shown = state;
    this.#changes.next(state);
  }

  end(): void {
    this.#changes.end();
  }
}
