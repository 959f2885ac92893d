import { nameOf, replyText, type Command } from '../protocol/command.js';
import type { Connection } from '../transport/connection.js';
import { QmpFacade, type Backend } from '../transport/qmp-facade.js';
import { AgentLine } from './agent-line.js';
import { agentVersion } from './agent-version.js';
import { isUnanswered, REFUSAL_WAIT } from './unanswered.js';

/** A guest agent, with the face of a QMP server. */
export class Agent implements Backend {
  readonly facade: QmpFacade = new QmpFacade(this);
  /** Resolves when the agent has answered; rejects if the line ends before. */
  readonly greeted: Promise<void>;
  readonly #line: AgentLine;
  /** A command that is answered only if it is refused. */
  #unanswered: { readonly id: string | undefined; readonly timer: ReturnType<typeof setTimeout> } | undefined;

  constructor(wire: Connection) {
    let settle: { resolve(): void; reject(error: Error): void } | undefined;
    this.greeted = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#line = new AgentLine(wire, {
      received: (chunk) => {
        // The refusal, or the beginning of it.
        this.#stopWaiting();
        this.facade.receive(chunk);
      },
      ended: (cause) => {
        this.#done();
        this.facade.end(cause);
        settle?.reject(new Error('the line to the guest agent ended before the agent answered', { cause }));
      },
    });
    this.#line.synchronise(() => {
      this.#line.ask('guest-info', (info) => {
        this.facade.greet(agentVersion(info));
        settle?.resolve();
      });
    });
  }

  run(command: Command, text: string, id: string | undefined): void {
    const name = nameOf(command);
    // A client asks for the version to see whether anybody is there.
    if (name === 'query-version') this.#line.send(`{"execute":"guest-ping"${id === undefined ? '' : `,"id":${id}`}}\n`);
    else if (isUnanswered(name)) {
      this.#line.send(`${text}\n`, () => {
        const timer = setTimeout(() => {
          this.#done();
        }, REFUSAL_WAIT);
        this.#unanswered = { id, timer };
      });
    } else this.#line.send(`${text}\n`);
  }

  /** Its late reply must not be taken for that of the next command. What has not been sent is not sent any more. */
  abandon(): void {
    this.#stopWaiting();
    this.#line.forget();
    if (!this.#line.searching) this.#line.synchronise();
  }

  close(): void {
    this.#stopWaiting();
    this.#line.close();
  }

  /** It was not refused, so it is being done. */
  #done(): void {
    const { id } = this.#unanswered ?? {};
    if (!this.#stopWaiting()) return;
    this.facade.receive(replyText('{}', id));
  }

  #stopWaiting(): boolean {
    if (!this.#unanswered) return false;
    clearTimeout(this.#unanswered.timer);
    this.#unanswered = undefined;
    return true;
  }
}
