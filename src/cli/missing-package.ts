/** Packages that are of use together only. A later one is no peer, and npm would refuse it. */
const NATS = ['nats-core', 'jetstream', 'kv', 'transport-node'].map((name) => `@nats-io/${name}@3.3`).join(' ');

/** What to do about an optional package that is not installed; undefined for any other error. */
export function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  const [, name] = /^Cannot find (?:module|package) '([^'./][^']*)'/.exec(message ?? '') ?? [];
  if (name === undefined) return undefined;
  return `this needs ${name}, which is not installed: npm install ${name.startsWith('@nats-io/') ? NATS : name}`;
}
