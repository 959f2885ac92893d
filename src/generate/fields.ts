import { isRecord } from '../foundation/checks.js';
/** A schema that cannot be one: the message says where it is broken and what is expected there. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/** The fields of one JSON object that nobody has checked yet. What is missing or of another type throws {@link SchemaError}. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (!isRecord(value)) throw new SchemaError(`${where}: expected an object, found ${describe(value)}`);
    this.#values = new Map(Object.entries(value));
    this.#where = where;
  }

  /** The entries of a schema: of the bare list, or of the whole reply around it. */
  static ofReply(value: unknown, where: string): Fields[] {
    const list = isRecord(value) && 'return' in value ? value['return'] : value;
    if (!Array.isArray(list)) {
      throw new SchemaError(`${where}: expected the list that query-qmp-schema returns, found ${describe(list)}`);
    }
    return list.map((item, index) => new Fields(item, `${where}: entry ${index}`));
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  text(key: string): string {
    const value = this.#values.get(key);
    if (typeof value !== 'string') throw this.#expected(key, 'a string');
    return value;
  }

  /** A name as QAPI allows it, so that it is safe in a program's text. */
  name(key: string): string {
    const value = this.text(key);
    if (!/^[\w.-]+$/.test(value)) throw this.#expected(key, 'a name of letters, digits, "_", "-" and "."');
    return value;
  }

  flag(key: string): boolean {
    const value = this.#values.get(key) ?? false;
    if (typeof value !== 'boolean') throw this.#expected(key, 'true or false');
    return value;
  }

  list(key: string): Fields[] {
    const value = this.#values.get(key);
    if (!Array.isArray(value)) throw this.#expected(key, 'a list');
    return value.map((item, index) => new Fields(item, `${this.#path(key)}[${index}]`));
  }

  names(key: string): string[] {
    const value = this.#values.get(key);
    if (!Array.isArray(value)) throw this.#expected(key, 'a list');
    return value.map((item: unknown) => new Fields({ [key]: item }, this.#where).name(key));
  }

  /** `features` is left out where there are none. */
  features(): string[] {
    return this.has('features') ? this.names('features') : [];
  }

  error(problem: string): SchemaError {
    return new SchemaError(`${this.#where}: ${problem}`);
  }

  #expected(key: string, what: string): SchemaError {
    return this.error(`"${key}" should be ${what}, but is ${describe(this.#values.get(key))}`);
  }

  #path(key: string): string {
    const name = this.#values.get('name');
    return `${this.#where}${typeof name === 'string' ? ` ("${name}")` : ''}: ${key}`;
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value).slice(0, 60);
}
