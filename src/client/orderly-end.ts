import type { QmpEvent } from '../protocol/message.js';
import type { Shutdown } from './state.js';

/**
 * With `-no-shutdown` the VM lives on after SHUTDOWN: these events show it. Others do not, since QEMU cancels its block jobs and
 * hangs up on its VNC clients, events and all, while it exits.
 */
const LIVES_ON: ReadonlySet<string> = new Set(['STOP', 'RESUME', 'RESET']);

/** Knows whether QEMU is about to end the session: after `quit`, or after a SHUTDOWN that was not taken back. */
export class OrderlyEnd {
  #quitting = false;
  #shutdown: QmpEvent<'SHUTDOWN'> | undefined;
  #lastSent = 0;
  #lastBeforeShutdown = 0;

  get expected(): boolean {
    return this.#quitting || this.#shutdown !== undefined;
  }

  /** What QEMU said of its end. */
  get shutdown(): Shutdown | undefined {
    return this.#shutdown?.data;
  }

  sent(command: string, id: number): void {
    if (command === 'quit') this.#quitting = true;
    this.#lastSent = Math.max(this.#lastSent, id);
  }

  heard(event: QmpEvent): void {
    if (event.event === 'SHUTDOWN') {
      this.#shutdown = event;
      this.#lastBeforeShutdown = this.#lastSent;
    } else if (this.#shutdown && LIVES_ON.has(event.event)) {
      this.#shutdown = undefined;
    }
  }

  /** A command has its reply. Only one that was sent after SHUTDOWN shows that QEMU lives on. */
  answered(command: string, id: unknown, refused: boolean): void {
    if (command === 'quit') this.#quitting = !refused;
    else if (typeof id === 'number' && id > this.#lastBeforeShutdown) this.#shutdown = undefined;
  }
}
