/** Runs `work` when called, once at a time: calls while it runs lead to one more run behind it. `work` must not reject. */
export function oneAtATime(work: () => Promise<void>): () => void {
  let busy = false;
  let again = false;
  const run = (): void => {
    again = busy;
    if (busy) return;
    busy = true;
    void work().then(() => {
      busy = false;
      // What is asked for meanwhile, at a job's end say, may not be in the answer.
      if (again) run();
    });
  };
  return run;
}
