/** Milliseconds between two looks. */
const LOOK_INTERVAL = 1_000;
/** Milliseconds of silence after which QEMU is asked something, if it owes no answer. */
const SILENCE = 15_000;
/** Milliseconds without a word, while it owes an answer, after which it counts as unresponsive. */
const PATIENCE = 30_000;

export interface LivenessHost {
  /** Commands without an answer. */
  pending(): number;
  /** Asks what is cheap to answer. */
  ask(): void;
  changed(unresponsive: boolean): void;
}

/** Notices a QEMU that has stopped answering. A hung one is told and never cut off: it may come back. */
export class VmLiveness {
  readonly #host: LivenessHost;
  #timer: NodeJS.Timeout | undefined;
  #heardAt = 0;
  #unresponsive = false;

  constructor(host: LivenessHost) {
    this.#host = host;
  }

  /** Milliseconds since QEMU last said something; 0 without a session. */
  get silence(): number {
    return this.#timer ? performance.now() - this.#heardAt : 0;
  }

  /** A session has begun. */
  begin(): void {
    this.#heardAt = performance.now();
    this.#timer ??= setInterval(() => {
      this.#look();
    }, LOOK_INTERVAL);
  }

  /** The session has ended. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#unresponsive = false;
  }

  /** QEMU has said something. */
  heard(): void {
    this.#heardAt = performance.now();
    if (!this.#unresponsive) return;
    this.#unresponsive = false;
    this.#host.changed(false);
  }

  #look(): void {
    const { silence } = this;
    if (this.#host.pending() === 0) {
      if (silence >= SILENCE) this.#host.ask();
    } else if (silence >= PATIENCE && !this.#unresponsive) {
      this.#unresponsive = true;
      this.#host.changed(true);
    }
  }
}
