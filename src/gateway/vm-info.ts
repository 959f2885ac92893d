/** What the bearer of a token is: a viewer looks, an operator acts. */
export type Role = 'viewer' | 'operator';

/** What somebody may run on a VM. */
export interface Rights {
  readonly role: Role;
  /** The commands that may be run besides `query-*`. Empty for a viewer. */
  readonly allow: readonly string[];
}

/** What is known of one VM. */
export interface VmInfo {
  readonly name: string;
  /** `connecting` until it was reached for the first time, `gone` from the end of its session to the next. */
  readonly state: 'connecting' | 'ready' | 'gone';
  /** When it entered that state, in ISO 8601. */
  readonly since: string;
  /** QEMU's version, while there is a session: `7.2.22`. */
  readonly qemu?: string;
  /** Why it cannot be reached, or why its session ended. */
  readonly reason?: string;
}
