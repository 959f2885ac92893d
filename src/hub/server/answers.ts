import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Counters } from '../../gateway/counters.js';
import type { Vms } from '../../gateway/vms.js';
import { readPosition } from '../protocol.js';
import type { Refusal } from './admission.js';
import type { EventLog } from './event-log.js';
import { queryOf, respond, type Route } from './http.js';
import { metricsText } from './metrics.js';
import type { Visitor } from './visitor.js';
import type { Watchers } from './watchers.js';

/** Lines of JSON. */
const LINES = 'application/x-ndjson';
/** Events of one VM in one answer, where the request does not say. */
const DEFAULT_LIMIT = 1_000;

export interface AnswersOptions {
  readonly vms: Vms;
  readonly log: EventLog;
  readonly watchers: Watchers;
  readonly counters: Counters;
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
      case 'metrics': {
        const { vms, watchers, counters } = this.#options;
        respond(response, 200, metricsText(vms, watchers.size, counters), 'text/plain; version=0.0.4');
        return undefined;
      }
      case 'vm-events':
        return this.#answerEvents(request, response, route.name, visitor);
      case 'vm':
      case 'events':
        return { cause: 'bad-request', status: 426, message: 'this is a WebSocket' };
      default:
        return NOT_FOUND;
    }
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

function badRequest(message: string): Refusal {
  return { cause: 'bad-request', status: 400, message };
}

function numberOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
