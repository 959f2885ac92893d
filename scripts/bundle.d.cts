export interface Bundle {
  /** Bytes, minified and compressed with brotli, without rxjs. */
  readonly size: number;
  /** The modules of dist that are in it, `bus/event-bus.js` and the like. */
  readonly modules: readonly string[];
}

/** What a browser loads for one statement, of the package as built. */
export declare function bundle(statement: string): Bundle;
