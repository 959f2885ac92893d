import type { IncomingMessage, ServerResponse } from 'node:http';
import { screenshot } from '../../machine/screenshot.js';
import { readPosition } from '../protocol.js';
import type { Refusal } from './admission.js';
import type { EventLog } from './event-log.js';
import { queryOf, respond, type Route } from './http.js';
import { metricsText, type Measured } from './metrics.js';
import type { Visitor } from './visitor.js';

/** Lines of JSON. */
const LINES = 'application/x-ndjson';
/** Events of one VM in one answer, where the request does not say. */
const DEFAULT_LIMIT = 1_000;

export interface AnswersOptions extends Measured {
  readonly log: EventLog;
}

const NOT_FOUND: Refusal = { cause: 'not-found', status: 404, message: 'there is nothing here' };
const NO_VM: Refusal = { cause: 'not-found', status: 404, message: 'there is no such VM' };

/** Answers plain requests of those who have been admitted. */
export class Answers {
  readonly #options: AnswersOptions;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** @returns why it does not answer, if so */
  answer(request: IncomingMessage, response: ServerResponse, route: Route, visitor: Visitor): Refusal | undefined {
    if ('name' in route && route.kind !== 'vm') {
      if (!visitor.view.shows(route.name) || !this.#options.vms.get(route.name)) return NO_VM;
    }
    switch (route.kind) {
      case 'healthz':
        respond(response, 200, 'ok\n');
        return undefined;
      case 'vms': {
        const list = this.#options.vms.list.filter(({ name }) => visitor.view.shows(name));
        respond(response, 200, `${JSON.stringify(list)}\n`, 'application/json');
        return undefined;
      }
      case 'readyz':
        respond(response, 200, 'ready\n');
        return undefined;
      case 'metrics':
        if (visitor.view.key !== '*') return forbidden('/metrics tells of all VMs, and this token does not show all');
        respond(response, 200, metricsText(this.#options), 'text/plain; version=0.0.4');
        return undefined;
      case 'vm-audit': {
        if (visitor.rights.role !== 'operator') return forbidden('the audit is for operators');
        const lines = this.#options.audit.of(route.name).map((line) => `${JSON.stringify(line)}\n`);
        respond(response, 200, lines.join(''), LINES);
        return undefined;
      }
      case 'vm-screen':
        return this.#answerScreen(response, route.name, visitor);
      case 'vm-events':
        return this.#answerEvents(request, response, route.name, visitor);
      case 'vm':
      case 'events':
        return { cause: 'bad-request', status: 426, message: 'this is a WebSocket' };
      default:
        return NOT_FOUND;
    }
  }

  #answerScreen(response: ServerResponse, name: string, { rights }: Visitor): Refusal | undefined {
    if (!rights.screen) return forbidden('this token does not show screens');
    const vm = this.#options.vms.get(name);
    if (!vm?.greeting) return { cause: 'not-running', status: 503, message: 'there is no session to the VM' };
    screenshot(vm.client).then(
      (picture) => {
        respond(response, 200, Buffer.from(picture), 'image/png');
      },
      (error: unknown) => {
        respond(response, 502, `${(error as Error).message}\n`);
      },
    );
    return undefined;
  }

  #answerEvents(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    { rights, view }: Visitor,
  ): Refusal | undefined {
    const query = queryOf(request);
    const limit = numberOf(query.get('limit') ?? String(DEFAULT_LIMIT));
    if (limit === undefined) return badRequest('limit must be a whole number');
    const text = query.get('before');
    const before = text === null ? undefined : readPosition(text);
    if (text !== null && !before) return badRequest('before must be the position of an event, EPOCH.N');
    const { log, watchers } = this.#options;
    // What was before another start of the hub is not kept.
    const events = before && before.epoch !== log.epoch ? [] : log.of(name, limit, before?.n);
    const greeting = watchers.greeting(rights, { key: '', shows: (vm) => vm === name && view.shows(vm) });
    const first = Buffer.from(`${JSON.stringify(greeting)}\n`);
    respond(response, 200, Buffer.concat([first, ...events.map(({ line }) => line)]), LINES);
    return undefined;
  }
}

function forbidden(message: string): Refusal {
  return { cause: 'forbidden', status: 403, message };
}

function badRequest(message: string): Refusal {
  return { cause: 'bad-request', status: 400, message };
}

function numberOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
