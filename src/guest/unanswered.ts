const UNANSWERED: ReadonlySet<string> = new Set([
  ...['guest-shutdown', 'guest-suspend-disk', 'guest-suspend-ram', 'guest-suspend-hybrid'],
]);

/** True for a command to which the agent says nothing but an error. */
export function isUnanswered(command: string): boolean {
  return UNANSWERED.has(command);
}

/** Milliseconds in which an agent that refuses such a command says so. */
export const REFUSAL_WAIT = 1_000;
