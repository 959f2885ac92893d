/**
 * The first token of every subject: the protocol's version, so that two versions can run beside each other.
 *
 * ```
 * qmp1.evt.HOST.VM.NAME            an event as QEMU sent it, live; or a marker, `~up` and `~down`
 * qmp1.log.HOST.VM.NAME            the same, for the stream
 * qmp1.cmd.HOST.VM.CLASS.COMMAND   arguments of a command; answered at the reply subject
 * qmp1.hb.HOST                     the agent's beat
 * ```
 */
export const PREFIX = 'qmp1';

/** The session to QEMU has begun. No escaped name has a `~`. */
export const UP = '~up';
/** The session to QEMU has ended. */
export const DOWN = '~down';

/** `q`: query-*; `x`: any other; `o`: out of band; `s`: the fleet's own, `hello`. Rights are given by class. */
export type CommandClass = 'q' | 'x' | 'o' | 's';

/** What the name of a host or VM may measure in UTF-8; a subject has two of them and a name of QEMU's. */
export const NAME_BYTES = 200;
/** The longest token: the server reads 4 KiB of a control line. */
const TOKEN_CHARACTERS = 3 * NAME_BYTES;

const bytes = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true });

/** One token of a subject or of a KV key, whatever the name: letters, digits, `_` and `-` stay, every other byte is `=XX`. */
export function tokenOf(name: string): string {
  if (/^[\w-]+$/.test(name)) return name;
  return Array.from(bytes.encode(name), (byte) => {
    const character = String.fromCharCode(byte);
    return /[\w-]/.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** The name a token stands for; `undefined` for what {@link tokenOf} never makes. */
export function nameOf(token: string): string | undefined {
  if (/^[\w-]+$/.test(token)) return token;
  if (!/^(?:[\w-]|=[0-9A-F]{2})+$/.test(token)) return undefined;
  const parts = token.match(/=[0-9A-F]{2}|[\w-]/g) ?? [];
  const encoded = parts.map((part) => (part.length === 1 ? part.charCodeAt(0) : parseInt(part.slice(1), 16)));
  try {
    const name = text.decode(new Uint8Array(encoded));
    return tokenOf(name) === token ? name : undefined;
  } catch {
    return undefined;
  }
}

/** The token of an event's name, or of a marker. */
export function eventTokenOf(name: string): string {
  return name === UP || name === DOWN ? name : tokenOf(name);
}

/** True if it makes a token of bearable length. */
export function isToken(token: string): boolean {
  return token !== '' && token.length <= TOKEN_CHARACTERS;
}

export function classOf(command: string, oob: boolean): CommandClass {
  if (oob) return 'o';
  return /^query-[a-z0-9-]+$/.test(command) ? 'q' : 'x';
}

/** A VM of the fleet. */
export interface VmName {
  readonly host: string;
  readonly vm: string;
}

/** @throws TypeError unless it is `HOST/VM`; a VM's name may have slashes itself */
export function parseVmName(name: string): VmName {
  const slash = name.indexOf('/');
  const [host, vm] = [name.slice(0, slash), name.slice(slash + 1)];
  if (slash < 1 || vm === '') throw new TypeError(`a VM of the fleet is named HOST/VM, not ${JSON.stringify(name)}`);
  checkName('host', host);
  checkName('VM', vm);
  return { host, vm };
}

/** @throws TypeError unless it may name a host or a VM */
export function checkName(what: 'host' | 'VM', name: string): void {
  if (name === '' || bytes.encode(name).length > NAME_BYTES) {
    throw new TypeError(`the name of a ${what} has 1 to ${NAME_BYTES} bytes, not ${bytes.encode(name).length}`);
  }
  if (what === 'host' && name.includes('/')) {
    throw new TypeError(`a host has no / in its name: ${JSON.stringify(name)}`);
  }
}

/** Everything of one VM, but the last token or tokens. */
export function subjectOf(kind: 'evt' | 'log' | 'cmd', { host, vm }: VmName): string {
  return `${PREFIX}.${kind}.${tokenOf(host)}.${tokenOf(vm)}`;
}

export function beatSubject(host: string): string {
  return `${PREFIX}.hb.${tokenOf(host)}`;
}

/** What a subject of events says. */
export interface EventSubject extends VmName {
  /** QEMU's name of the event, or a marker. */
  readonly name: string;
}

/** `undefined` for what is not `PREFIX.KIND.HOST.VM.NAME`. */
export function readEventSubject(kind: 'evt' | 'log', subject: string): EventSubject | undefined {
  const [prefix, found, host, vm, name, ...rest] = subject.split('.').map(readToken);
  if (prefix !== PREFIX || found !== kind || rest.length > 0) return undefined;
  return host !== undefined && vm !== undefined && name !== undefined ? { host, vm, name } : undefined;
}

function readToken(token: string): string | undefined {
  return token === UP || token === DOWN ? token : nameOf(token);
}

/** True for a subject that the server sends to a subscription to `pattern`. */
export function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  for (const [place, want] of wanted.entries()) {
    if (want === '>') return tokens.length > place;
    if (tokens[place] === undefined || (want !== '*' && want !== tokens[place])) return false;
  }
  return tokens.length === wanted.length;
}
