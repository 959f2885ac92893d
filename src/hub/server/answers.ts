import type { IncomingMessage, ServerResponse } from 'node:http';
import { Vm } from '../../gateway/vm.js';
import type { OfferedVm } from '../../gateway/offered-vm.js';
import type { SourceRange } from '../../gateway/vm-source.js';
import { screenshot } from '../../machine/screenshot.js';
import { readPosition, type EventFrame } from '../protocol.js';
import type { Refusal } from './admission.js';
import type { EventLog } from './event-log.js';
import { queryOf, respond, type Route } from './http.js';
import { metricsText, type Measured } from './metrics.js';
import { SOURCE_EPOCH, SourcePast } from './source-past.js';
import type { Visitor } from './visitor.js';

/** Lines of JSON. */
const LINES = 'application/x-ndjson';
/** Events of one VM in one answer, where the request does not say. */
const DEFAULT_LIMIT = 1_000;

export interface AnswersOptions extends Measured {
  readonly log: EventLog;
}

const NOT_FOUND: Refusal = { cause: 'not-found', status: 404, message: 'there is nothing here' };
const ELSEWHERE: Refusal = { cause: 'not-found', status: 404, message: 'no screens of VMs of other hosts' };
const NO_VM: Refusal = { cause: 'not-found', status: 404, message: 'there is no such VM' };

/** Answers plain requests of those who have been admitted. */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #past = new SourcePast();

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
    if (!(vm instanceof Vm)) return ELSEWHERE;
    if (!vm.greeting) return { cause: 'not-running', status: 503, message: 'there is no session to the VM' };
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
    visitor: Visitor,
  ): Refusal | undefined {
    const query = queryOf(request);
    const limit = numberOf(query.get('limit') ?? String(DEFAULT_LIMIT));
    if (limit === undefined) return badRequest('limit must be a whole number');
    const text = query.get('before');
    const before = text === null ? undefined : readPosition(text);
    if (text !== null && !before) return badRequest('before must be the position of an event, EPOCH.N');
    const { log, vms } = this.#options;
    const vm = vms.get(name);
    if (vm?.past) {
      this.#answerPast(response, vm, before ? { limit, ...this.#pastBefore(name, before) } : { limit }, visitor);
      return undefined;
    }
    // What was before another start of the hub is not kept.
    const events = before && before.epoch !== log.epoch ? [] : log.of(name, limit, before?.n);
    const lines = events.map(({ line }) => line);
    respond(response, 200, Buffer.concat([this.#firstLine(name, visitor, log.epoch), ...lines]), LINES);
    return undefined;
  }

  #answerPast(response: ServerResponse, vm: OfferedVm, range: SourceRange, visitor: Visitor): void {
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    this.#past.lines(visitor, vm, range, gone.signal).then(
      (lines) => {
        respond(response, 200, Buffer.concat([this.#firstLine(vm.name, visitor, SOURCE_EPOCH), ...lines]), LINES);
      },
      (error: unknown) => {
        respond(response, 502, `${vm.name}: its history cannot be read: ${(error as Error).message}\n`);
      },
    );
  }

  /** A source knows its own positions, and an event of ours by the event. Of those of another start of the hub it knows nothing. */
  #pastBefore(vm: string, before: NonNullable<ReturnType<typeof readPosition>>): Partial<SourceRange> {
    if (before.epoch === SOURCE_EPOCH) return { before: before.n };
    const { log } = this.#options;
    if (before.epoch !== log.epoch) return { limit: 0 };
    const logged = log.of(vm, Infinity).find(({ n }) => n >= before.n);
    return logged ? { before: (JSON.parse(logged.line.toString()) as EventFrame).event } : {};
  }

  #firstLine(name: string, { rights, view }: Visitor, epoch: string): Buffer {
    const seen = { key: '', shows: (vm: string): boolean => vm === name && view.shows(vm) };
    const { hub, ...rest } = this.#options.watchers.greeting(rights, seen);
    return Buffer.from(`${JSON.stringify({ hub: { ...hub, epoch }, ...rest })}\n`);
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
