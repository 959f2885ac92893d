/** What was typed cannot be meant: told without more ado, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
