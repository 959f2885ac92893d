/* eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- two deferred conditional types are assignable only if the
   types they ask about are identical */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** `expectType<Expected>()(value)` compiles only if the value's type is `Expected` exactly. */
export function expectType<Expected>(): <Actual>(
  value: Actual,
  ...mismatch: Same<Actual, Expected> extends true ? [] : [expected: Expected]
) => void {
  return () => undefined;
}

/** Holds code that `npm run typecheck` judges and that nobody runs. */
export function compiles(code: (...args: never[]) => unknown): void {
  expect(code).toBeInstanceOf(Function);
}
