/**
 * Whether two values say the same: by members, a member that is undefined being as good as none; errors by name and message,
 * objects of a class only by their own kind.
 */
export function deepEqual(a: unknown, b: unknown, seen: readonly unknown[] = []): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  // A ring is compared once.
  if (seen.includes(a)) return true;
  const path = [...seen, a];
  if (a instanceof Date) return a.getTime() === (b as Date).getTime();
  if (a instanceof Error && (a.message !== (b as Error).message || a.name !== (b as Error).name)) return false;
  if (a instanceof Map) return deepEqual([...a], [...(b as Map<unknown, unknown>)], path);
  if (a instanceof Set) return deepEqual([...a], [...(b as Set<unknown>)], path);
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => deepEqual(left[key], right[key], path));
}
