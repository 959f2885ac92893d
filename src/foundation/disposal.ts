/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Makes `using` call the class's own method. A class that can be used in this way needs three lines, since the symbols are
 * missing in older browsers, where a method `[Symbol.dispose]()` would silently be named "undefined":
 *
 * - `/// <reference lib="esnext.disposable" preserve="true" />` stays in the built declarations, so that they compile in a
 *   program whose `lib` lacks the symbols;
 * - `declare readonly [Symbol.dispose]: () => void` tells the compiler of the method, and adds no code;
 * - `static { disposeBy(this, 'close', 'dispose'); }` adds the method, where there is a symbol.
 */
export function disposeBy(
  type: { readonly prototype: object },
  method: string,
  symbolName: 'dispose' | 'asyncDispose',
): void {
  const symbol = (Symbol as unknown as Record<string, symbol | undefined>)[symbolName];
  if (!symbol) return;
  Object.defineProperty(type.prototype, symbol, {
    configurable: true,
    value(this: Record<string, () => unknown>) {
      return this[method]?.();
    },
  });
}
