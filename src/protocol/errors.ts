/**
 * Everything rx-qmp rejects or fails with, apart from the `TypeError` or `RangeError` of a wrong argument and the reason of
 * an aborted signal, is a {@link QmpError}. Its `message` names the bus it happened on, its `cause` is kept.
 */
export class QmpError extends Error {
  override readonly name: string = 'QmpError';
}

/** A listener was registered, removed or read in a condition that does not allow it. Nothing has changed. */
export class ListenerError extends QmpError {
  override readonly name = 'ListenerError';
}

/** A listener's queue was full and its oldest unread events were dropped. Thrown once per lag; reading then goes on. */
export class LagError extends QmpError {
  override readonly name = 'LagError';
  /** How many events were dropped since the last read. */
  readonly missed: number;

  constructor(message: string, missed: number) {
    super(message);
    this.missed = missed;
  }
}

/** No event came within the `timeout` of `get()`, or of a task. */
export class EventTimeoutError extends QmpError {
  override readonly name = 'EventTimeoutError';
  /** The time waited, in milliseconds. */
  readonly timeout: number;

  constructor(message: string, timeout: number) {
    super(message);
    this.timeout = timeout;
  }
}

/** The client is not in a state in which this can be done: not connected, say, or closed for good. */
export class StateError extends QmpError {
  override readonly name = 'StateError';
  /** The phase of the client's state in which it was refused; absent where no client was asked. */
  declare readonly phase?: StatePhase;

  constructor(message: string, { phase, ...options }: ErrorOptions & { readonly phase?: StatePhase } = {}) {
    super(message, options);
    if (phase !== undefined) this.phase = phase;
  }
}

/** The phases of a client's `ConnectionState`. */
export type StatePhase = 'idle' | 'connecting' | 'negotiating' | 'ready' | 'reconnecting' | 'closed';

/** `connect()` failed; `cause` says why. */
export class ConnectError extends QmpError {
  override readonly name = 'ConnectError';
  /** How far it came: `connecting` until the connection stands, then `negotiating` until QEMU is ready for commands. */
  readonly phase: 'connecting' | 'negotiating';

  constructor(message: string, phase: 'connecting' | 'negotiating', options?: ErrorOptions) {
    super(message, options);
    this.phase = phase;
  }
}

/** The connection has ended: closed in good order, or lost (then `cause` has the reason). */
export class DisconnectedError extends QmpError {
  override readonly name = 'DisconnectedError';
}

/** The server broke the rules of QMP, and the session ended for it. */
export class ProtocolError extends QmpError {
  override readonly name: string = 'ProtocolError';
}

/** What came first was no QMP greeting, or nothing came at all. */
export class GreetingError extends ProtocolError {
  override readonly name = 'GreetingError';
}

/** QEMU has greeted us, and refused `qmp_capabilities` or did not answer it. */
export class NegotiationError extends ProtocolError {
  override readonly name = 'NegotiationError';
}

/** QEMU answered a command with an error. */
export class ExecuteError extends QmpError {
  override readonly name = 'ExecuteError';
  /** QEMU's class of the error: `GenericError`, `CommandNotFound`, `DeviceNotFound`, … */
  readonly errorClass: string;
  /** QEMU's own words. */
  readonly desc: string;
  /** The name of the command. */
  readonly command: string;

  constructor(message: string, fields: { errorClass: string; desc: string; command: string }) {
    super(message);
    this.errorClass = fields.errorClass;
    this.desc = fields.desc;
    this.command = fields.command;
  }
}

/** The session ended before the reply: whether the command took effect is not known. */
export class ExecInterruptedError extends QmpError {
  override readonly name = 'ExecInterruptedError';
  /** The name of the command. */
  readonly command: string;

  constructor(message: string, command: string, options?: ErrorOptions) {
    super(message, options);
    this.command = command;
  }
}

/** No reply in time: the command may still be running in QEMU. */
export class ExecTimeoutError extends QmpError {
  override readonly name = 'ExecTimeoutError';
  /** The name of the command. */
  readonly command: string;
  /** The time waited, in milliseconds. */
  readonly timeout: number;

  constructor(message: string, command: string, timeout: number) {
    super(message);
    this.command = command;
    this.timeout = timeout;
  }
}

/** A job ended in an error; `desc` is QEMU's own text. */
export class JobError extends QmpError {
  override readonly name = 'JobError';
  /** The job's id. */
  readonly job: string;
  /** QEMU's own words. */
  readonly desc: string;

  constructor(message: string, fields: { job: string; desc: string }) {
    super(message);
    this.job = fields.job;
    this.desc = fields.desc;
  }
}

/** A device was not unplugged: the guest refused. `desc` is QEMU's text, or what the guest's status code means. */
export class UnplugError extends QmpError {
  override readonly name = 'UnplugError';
  /** The device's id, or its QOM path. */
  readonly device: string;
  /** QEMU's own words, or what the guest's status code means. */
  readonly desc: string;

  constructor(message: string, fields: { device: string; desc: string }) {
    super(message);
    this.device = fields.device;
    this.desc = fields.desc;
  }
}

/** A migration failed or was cancelled; the VM stays where it was. `desc` is QEMU's own text, where it gives one. */
export class MigrationError extends QmpError {
  override readonly name = 'MigrationError';
  /** What QEMU calls it: `failed` or `cancelled`. */
  readonly status: string;
  /** QEMU's own words, or what happened where it gives none. */
  readonly desc: string;

  constructor(message: string, fields: { status: string; desc: string }) {
    super(message);
    this.status = fields.status;
    this.desc = fields.desc;
  }
}

/** The VM did not shut down; or, by `reset()`, it shut down instead of starting again. */
export class ShutdownError extends QmpError {
  override readonly name = 'ShutdownError';
}
