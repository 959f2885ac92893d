/** Packages that are of use together only. */
const NATS = '@nats-io/nats-core @nats-io/jetstream @nats-io/kv @nats-io/transport-node';

/** What to do about an optional package that is not installed; undefined for any other error. */
export function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  const [, name] = /^Cannot find (?:module|package) '([^'./][^']*)'/.exec(message ?? '') ?? [];
  if (name === undefined) return undefined;
  return `this needs ${name}, which is not installed: npm install ${name.startsWith('@nats-io/') ? NATS : name}`;
}
