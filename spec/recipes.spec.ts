import * as diagnosticsChannel from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as openTelemetry from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import * as rxjs from 'rxjs';
import { NEVER, firstValueFrom, type MonoTypeOperatorFunction, type Observable } from 'rxjs';
import * as rxQmp from 'rx-qmp';
import { QmpClient, type EventBus, type QmpEvent } from 'rx-qmp';
import { FakeQemu } from 'rx-qmp/testing';
import ts from 'typescript';
import { namesIn, openBus } from './support/bus-events.js';

const page = readFileSync(join(__dirname, '../docs/recipes.md'), 'utf8');
const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
const tried = new Set<string>();

/** Runs the code of a recipe as it stands on the page; gives what it declares and what it prints. */
async function recipe(heading: string, client: EventBus): Promise<{ made: Record<string, never>; printed: unknown[] }> {
  tried.add(heading);
  const code = page.split(`## ${heading}\n`)[1]?.match(/```ts\n(.*?)```/s)?.[1] ?? '';
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const names = [...code.matchAll(/^(?:const|function|async function) (\w+\$?)/gm)].map(([, name]) => name);
  const printed: unknown[] = [];
  const modules: Record<string, unknown> = {
    rxjs,
    'rx-qmp': rxQmp,
    'node:diagnostics_channel': diagnosticsChannel,
    '@opentelemetry/api': openTelemetry,
  };
  const body = `return (async () => { ${outputText}\nreturn { ${names.join(', ')} }; })();`;
  const run = compileFunction(body, ['client', 'require', 'console', 'exports']) as (
    ...given: unknown[]
  ) => Promise<Record<string, never>>;
  const print = { log: (text: unknown) => printed.push(text) };
  return { made: await run(client, (name: string) => modules[name], print, {}), printed };
}

/** The Observable a recipe makes on this bus, and what it has emitted. */
async function stream<T>(
  heading: string,
  name: string,
  client: EventBus,
): Promise<{ $: Observable<T>; values: T[]; ends: unknown[] }> {
  const { made } = await recipe(heading, client);
  const $ = made[name] as unknown as Observable<T>;
  const values: T[] = [];
  const ends: unknown[] = [];
  $.subscribe({
    next: (value) => values.push(value),
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('complete'),
  });
  return { $, values, ends };
}

async function connected(fake: FakeQemu, options?: rxQmp.QmpClientOptions): Promise<QmpClient> {
  const client = new QmpClient(fake.connector, options);
  await client.connect();
  return client;
}

describe('recipes', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  describe('Send a command and wait for its event', () => {
    it('hears the event, which comes before the reply', async () => {
      const client = await connected(new FakeQemu());
      const { printed } = await recipe('Send a command and wait for its event', client);
      expect(printed).toEqual([1_700_000_000]);
    });

    it('fails as the command does, and nothing else rejects', async () => {
      const fake = new FakeQemu().on('stop', () => {
        throw new Error('no');
      });
      const client = await connected(fake);
      await expect(recipe('Send a command and wait for its event', client)).rejects.toThrow(rxQmp.ExecuteError);
      await jest.advanceTimersByTimeAsync(5_000);
    });
  });

  describe('Wait for one of several events', () => {
    it.each(['SHUTDOWN', 'GUEST_PANICKED'] as const)('hears %s', async (name) => {
      const fake: FakeQemu = new FakeQemu().on('system_powerdown', () => {
        fake.emit(name, { action: 'pause' });
      });
      const { printed } = await recipe('Wait for one of several events', await connected(fake));
      expect(printed).toEqual([name]);
    });

    it('fails when the guest says nothing', async () => {
      const client = await connected(new FakeQemu());
      const silent = expect(recipe('Wait for one of several events', client)).rejects.toThrow(rxQmp.EventTimeoutError);
      await jest.advanceTimersByTimeAsync(60_000);
      await silent;
      expect(client.listeners).toEqual([client.events]);
    });
  });

  it('Act when it has become quiet', async () => {
    const { bus, emit } = openBus();
    const { values } = await stream('Act when it has become quiet', 'settledBytes$', bus);
    emit('BALLOON_CHANGE', { actual: 1 });
    jest.advanceTimersByTime(1_000);
    emit('BALLOON_CHANGE', { actual: 2 });
    jest.advanceTimersByTime(1_999);
    expect(values).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(values).toEqual([2]);
  });

  it('Alarm when the VM stands still for 5 s', async () => {
    const { bus, emit } = openBus();
    const { printed } = await recipe('Alarm when the VM stands still for 5 s', bus);
    emit('STOP');
    jest.advanceTimersByTime(4_999);
    emit('RESUME');
    jest.advanceTimersByTime(60_000);
    expect(printed).toEqual([]);
    const stop = emit('STOP');
    jest.advanceTimersByTime(60_000);
    expect(printed).toEqual([`stopped since ${rxQmp.timeOf(stop).toISOString()}`]);
  });

  it('Several VMs in one stream', async () => {
    const [one, two] = [openBus({ name: 'one' }), openBus({ name: 'two' })];
    const { made } = await recipe('Several VMs in one stream', one.bus);
    const eventsOf = made['eventsOf'] as unknown as (
      vms: readonly EventBus[],
    ) => Observable<{ vm: string; event: QmpEvent }>;
    const heard: string[] = [];
    eventsOf([one.bus, two.bus]).subscribe(({ vm, event }) => heard.push(`${vm} ${event.event}`));
    one.emit('STOP');
    two.emit('RESUME');
    one.source.error(new Error('lost'));
    two.emit('STOP');
    expect(heard).toEqual(['one STOP', 'two RESUME', 'two STOP']);
  });

  describe('The present state, for whoever comes', () => {
    it('is asked for first, then at each change and in each session; one question serves all', async () => {
      const fake = new FakeQemu();
      const client = await connected(fake, { reconnect: { delay: () => 100 } });
      const { $, values } = await stream<string>('The present state, for whoever comes', 'status$', client);
      await jest.advanceTimersByTimeAsync(0);
      expect(values).toEqual(['running']);
      expect(await firstValueFrom($)).toBe('running');
      expect(fake.received.filter(({ execute }) => execute === 'query-status')).toHaveLength(1);
      fake.emit('STOP');
      await jest.advanceTimersByTimeAsync(0);
      fake.restart();
      await jest.advanceTimersByTimeAsync(100);
      expect(values).toEqual(['running', 'paused', 'unknown', 'running']);
    });

    it('is unknown where the answer never came', async () => {
      const fake = new FakeQemu().on('query-status', NEVER);
      const client = await connected(fake);
      const { values, ends } = await stream('The present state, for whoever comes', 'status$', client);
      fake.kill();
      await jest.advanceTimersByTimeAsync(0);
      expect(values).toEqual(['unknown']);
      expect(ends).toEqual([]);
    });
  });

  it('Count events per name and second', async () => {
    const { bus, emit } = openBus();
    const { values } = await stream<Map<string, number>>('Count events per name and second', 'counts$', bus);
    for (const name of ['STOP', 'RESUME', 'STOP', '__proto__']) emit(name);
    jest.advanceTimersByTime(3_000);
    emit('RESUME');
    jest.advanceTimersByTime(1_000);
    expect(values.map((counts) => [...counts])).toEqual([
      [
        ['STOP', 2],
        ['RESUME', 1],
        ['__proto__', 1],
      ],
      [['RESUME', 1]],
    ]);
  });

  describe('Go on after a loss', () => {
    it('connects again and goes on, until an orderly end', async () => {
      const fake = new FakeQemu();
      const client = await connected(fake);
      const { values, ends } = await stream<QmpEvent>('Go on after a loss', 'stops$', client);
      await jest.advanceTimersByTimeAsync(0);
      fake.emit('STOP');
      fake.restart();
      await jest.advanceTimersByTimeAsync(1_000);
      fake.emit('STOP');
      expect(namesIn(values)).toEqual(['STOP', 'STOP']);
      await client.close();
      expect(ends).toEqual(['complete']);
    });

    it('gives up after ten in a row', async () => {
      const fake = new FakeQemu();
      const client = await connected(fake);
      const { ends } = await stream('Go on after a loss', 'stops$', client);
      await jest.advanceTimersByTimeAsync(0);
      fake.kill();
      await jest.advanceTimersByTimeAsync(9_999);
      expect(ends).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      expect(ends).toEqual([expect.any(rxQmp.ConnectError)]);
    });
  });

  it('Count the gaps', async () => {
    const fake = new FakeQemu();
    const client = await connected(fake, { reconnect: { delay: () => 100 } });
    const { values } = await stream('Count the gaps', 'missed$', client);
    for (let gap = 1; gap <= 2; gap += 1) {
      fake.restart();
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(values).toEqual([
      { gaps: 1, ms: 100 },
      { gaps: 2, ms: 200 },
    ]);
  });

  describe('All events up to SHUTDOWN', () => {
    it('gives them all', async () => {
      const client = await connected(new FakeQemu());
      const { printed } = await recipe('All events up to SHUTDOWN', client);
      expect(printed).toEqual(['SHUTDOWN']);
    });

    it('fails after a loss', async () => {
      const fake = new FakeQemu().on('quit', NEVER);
      const client = await connected(fake);
      const failed = expect(recipe('All events up to SHUTDOWN', client)).rejects.toThrow(rxQmp.QmpError);
      await jest.advanceTimersByTimeAsync(0);
      fake.emit('STOP');
      fake.kill();
      await failed;
    });
  });

  describe('Give up by AbortSignal', () => {
    it('in a function', async () => {
      const fake = new FakeQemu();
      const client = await connected(fake);
      const { made } = await recipe('Give up by AbortSignal', client);
      const stopped = made['stopped'] as unknown as (signal: AbortSignal) => Promise<Date>;
      const signal = new AbortController().signal;
      expect(await stopped(signal)).toEqual(new Date(1_700_000_000_000));
      fake.on('stop', NEVER);
      const patience = new AbortController();
      const waiting = expect(stopped(patience.signal)).rejects.toBe('enough');
      patience.abort('enough');
      await waiting;
      expect(client.listeners).toEqual([client.events]);
    });

    it('in a pipeline, also on a signal that is aborted already', async () => {
      const { bus, emit } = openBus();
      const { made } = await recipe('Give up by AbortSignal', bus);
      const untilAborted = made['untilAborted'] as unknown as <T>(signal: AbortSignal) => MonoTypeOperatorFunction<T>;
      const controller = new AbortController();
      const heard: unknown[] = [];
      const listen = (): void => {
        bus.events$.pipe(untilAborted(controller.signal)).subscribe({
          next: ({ event }) => heard.push(event),
          complete: () => heard.push('complete'),
        });
      };
      listen();
      emit('STOP');
      controller.abort();
      emit('STOP');
      listen();
      emit('STOP');
      expect(heard).toEqual(['STOP', 'complete', 'complete']);
    });
  });

  it('Spans for OpenTelemetry', async () => {
    const finished = new InMemorySpanExporter();
    const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(finished)] });
    provider.register();
    const client = await connected(new FakeQemu(), { name: 'vm1' });
    const { made } = await recipe('Spans for OpenTelemetry', client);
    const { commands, toSpans } = made as unknown as {
      commands: diagnosticsChannel.TracingChannel;
      toSpans: diagnosticsChannel.TracingChannelSubscribers<object>;
    };
    try {
      await openTelemetry.trace.getTracer('a program').startActiveSpan('request', async (request) => {
        await client.execute('query-status');
        await client.execute('device_del', { id: 'secret' }).catch(() => undefined);
        request.end();
      });
      const [status, unplug, request] = finished.getFinishedSpans();
      expect(status).toMatchObject({
        name: 'query-status',
        attributes: { 'rx_qmp.client': 'vm1', 'rx_qmp.command': 'query-status' },
        status: { code: openTelemetry.SpanStatusCode.UNSET },
      });
      expect(unplug).toMatchObject({ name: 'device_del', status: { code: openTelemetry.SpanStatusCode.ERROR } });
      expect(status?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    } finally {
      commands.unsubscribe(toSpans);
      openTelemetry.trace.disable();
      openTelemetry.context.disable();
      await provider.shutdown();
    }
  });

  it('are all tried here, and listed at the top of the page', () => {
    expect([...tried].sort()).toEqual([...headings].sort());
    for (const heading of headings) {
      const anchor = (heading ?? '')
        .toLowerCase()
        .replace(/[^\w ]/g, '')
        .replaceAll(' ', '-');
      expect(page).toContain(`- [${heading}](#${anchor})`);
    }
  });
});
