/**
 * Puts work off to the end of the present turn of the event loop, so that all that a turn brings is done once. A task that is
 * put off again before it has run runs once; one that is put off by another task runs after it in the same turn.
 */
export class TurnEnd {
  readonly #tasks = new Set<() => void>();

  defer(task: () => void): void {
    if (this.#tasks.size === 0) {
      setImmediate(() => {
        this.#run();
      });
    }
    this.#tasks.add(task);
  }

  #run(): void {
    // A Set comes to what is added on the way.
    for (const task of this.#tasks) {
      this.#tasks.delete(task);
      task();
    }
  }
}
