/** QEMU stops reading beyond so many commands in flight. */
const SLOTS = 8;

/** One who has tasks waiting. */
class Queue {
  readonly tasks: (() => Promise<void>)[] = [];
}

/** What a client holds of {@link FairQueue}. */
export interface Turn {
  /** @param task must not reject */
  add(task: () => Promise<void>): void;
  /** Forgets the tasks that wait. Those that run keep their slot until they are done. */
  leave(): void;
}

/** Shares the slots of one VM among its clients: each in turn starts one of its tasks, in its own order. */
export class FairQueue {
  /** Those with waiting tasks; the first is next. */
  readonly #ring = new Set<Queue>();
  #running = 0;

  join(): Turn {
    const queue = new Queue();
    return {
      add: (task) => {
        queue.tasks.push(task);
        this.#ring.add(queue);
        this.#pump();
      },
      leave: () => {
        queue.tasks.length = 0;
        this.#ring.delete(queue);
      },
    };
  }

  #pump(): void {
    for (const queue of this.#ring) {
      if (this.#running >= SLOTS) return;
      this.#ring.delete(queue);
      const task = queue.tasks.shift();
      if (!task) continue;
      // Deleted and added again, it is behind all others, and this very loop comes to it.
      if (queue.tasks.length > 0) this.#ring.add(queue);
      this.#running += 1;
      void task().finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }
}
