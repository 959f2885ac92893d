/** What the bearer of a token may do: a viewer looks, an operator also acts. */
export type Role = 'viewer' | 'operator';

/** The commands that somebody may run on a VM. */
export interface Rights {
  /** Whether its bearer looks or acts. */
  readonly role: Role;
  /** The commands that may be run besides `query-*`. Empty for a viewer. */
  readonly allow: readonly string[];
}

/** A job of QEMU, as `query-jobs` has it. */
export interface VmJob {
  /** The id of the job. */
  readonly id: string;
  /** `backup`, `commit`, `create`, `mirror`, `stream`, `snapshot-save`, … */
  readonly type: string;
  /** `created`, `running`, `paused`, `ready`, `concluded`, … */
  readonly status: string;
  /** How much is done, of {@link total}. The unit is the job's own; both may grow. */
  readonly current: number;
  /** How much there is to do, as far as QEMU knows; 0 at first. */
  readonly total: number;
  /** Why it has failed, in QEMU's words. */
  readonly error?: string;
}

/** A job that has failed. */
export interface FailedJob {
  /** The id of the job. */
  readonly id: string;
  /** QEMU's own words. */
  readonly error: string;
  /** When that became known, in ISO 8601. */
  readonly since: string;
}

/** What is known of one VM. */
export interface VmInfo {
  /** The name of the VM. */
  readonly name: string;
  /**
   * `connecting` until it was reached for the first time, `unresponsive` while there is a session and QEMU answers nothing,
   * `gone` from the end of its session to the next; `unknown` for a VM of another host while nobody there is heard: it may
   * well run.
   */
  readonly state: 'connecting' | 'ready' | 'unresponsive' | 'gone' | 'unknown';
  /** When it entered that state, in ISO 8601. */
  readonly since: string;
  /** Events received from it so far. */
  readonly events: number;
  /** QEMU's run state, while there is a session: `running`, `paused`, `guest-panicked`, … */
  readonly status?: string;
  /** Its jobs, if there are any. */
  readonly jobs?: readonly VmJob[];
  /** The last job that failed, until the next job of that id; QEMU forgets most jobs at once. */
  readonly failedJob?: FailedJob;
  /** The event that came last, as of the last change of anything else. */
  readonly lastEvent?: { readonly event: string; readonly time: string };
  /** The addresses of the guest, where there is a guest agent to ask. */
  readonly addresses?: readonly string[];
  /** QEMU's version, while there is a session: `7.2.22`. */
  readonly qemu?: string;
  /** Why it cannot be reached, or why its session ended. */
  readonly reason?: string;
}
