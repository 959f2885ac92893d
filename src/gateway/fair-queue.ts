/** QEMU stops reading beyond so many commands in flight. */
const SLOTS = 8;

/** A task that waits for its turn. */
interface Task {
  /** Settles when the task is done; never rejects. */
  run(): Promise<void>;
  refuse(cause: Error): void;
}

/** One who has tasks waiting. */
class Queue {
  readonly tasks: Task[] = [];
}

/** What a client holds of {@link FairQueue}. */
export interface Turn {
  /** Runs the task when its turn comes, and settles as it does. */
  take<T>(task: () => Promise<T>): Promise<T>;
  /** Rejects the tasks that wait with `cause`. Those that run keep their slot until they are done. */
  leave(cause: Error): void;
}

/** Shares the slots of one VM among its clients: each in turn starts one of its tasks, in its own order. */
export class FairQueue {
  /** Those with waiting tasks; the first is next. */
  readonly #ring = new Set<Queue>();
  #running = 0;

  join(): Turn {
    const queue = new Queue();
    return {
      take: (task) =>
        new Promise((resolve, reject) => {
          queue.tasks.push({ run: () => task().then(resolve, reject), refuse: reject });
          this.#ring.add(queue);
          this.#pump();
        }),
      leave: (cause) => {
        this.#ring.delete(queue);
        for (const task of queue.tasks.splice(0)) task.refuse(cause);
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
      void task.run().finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }
}
