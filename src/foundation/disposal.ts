/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Makes `using` call the class's own method. The symbols are missing in older browsers, where a computed method would
 * silently be named "undefined".
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
