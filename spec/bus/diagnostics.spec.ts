import { config } from 'rxjs';
import { EventListener, type Diagnostic, type EventBus, type ListenerFault, type Logger, type QmpEvent } from 'rx-qmp';
import { namesIn, openBus } from '../support/bus-events.js';

const ERROR = new Error('mine');

class Failing extends EventListener {
  constructor(private readonly fail: () => unknown) {
    super();
  }
  override put(): boolean {
    return this.fail() as boolean;
  }
}

class Undecided extends EventListener {
  override accept(): boolean {
    throw ERROR;
  }
}

const throwing = (): never => {
  throw ERROR;
};

function faultsOf(bus: EventBus): ListenerFault[] {
  const faults: ListenerFault[] = [];
  bus.diagnostics$.subscribe((diagnostic) => {
    if (diagnostic.kind === 'listener-fault') faults.push(diagnostic);
  });
  return faults;
}

async function microtasks(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

describe('a listener that fails (B5)', () => {
  let warn: jest.SpyInstance<void, Parameters<typeof console.warn>>;

  beforeEach(() => {
    warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  });

  afterEach(() => {
    warn.mockRestore();
    config.onUnhandledError = null;
  });

  it.each<[what: string, bad: () => EventListener]>([
    ['filter', () => new EventListener('STOP', throwing)],
    ['accept', () => new Undecided()],
    ['put', () => new Failing(throwing)],
  ])('by a throwing %s misses the event, nobody else does (row 9)', (_what, make) => {
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    const bad = make();
    const [before, after] = [new EventListener(), new EventListener()] as const;
    bus.listen(before, bad, after);
    const events = [emit('STOP'), emit('STOP')];
    expect([before.clear(), after.clear(), bus.events.clear()]).toEqual([events, events, events]);
    expect(bad.history).toEqual([]);
    expect(bad.empty()).toBe(true);
    expect(faults.map(({ listener, error, event }) => [listener, error, event])).toEqual(
      events.map((event) => [bad, ERROR, event]),
    );
    expect(faults[0]?.listener).toBe(bad);
    expect(bus.listeners).toContain(bad);
  });

  it('hears again once its filter is mended (row 9)', () => {
    const { bus, emit } = openBus();
    faultsOf(bus);
    const listener = bus.listener('STOP', throwing);
    emit('STOP');
    listener.eventFilter = undefined;
    const event = emit('STOP');
    expect(listener.clear()).toEqual([event]);
  });

  it.each<[what: string, verdict: () => unknown, faults: number]>([
    ['resolves', () => Promise.resolve(true), 1],
    ['rejects', () => Promise.reject(ERROR), 2],
    ['is a thenable', () => ({ then: () => undefined }), 1],
  ])('by a filter whose promise %s is reported and not heard (L7, row 7)', async (_what, verdict, count) => {
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    const listener = bus.listener('STOP', verdict as never);
    const event = emit('STOP');
    await microtasks();
    expect(listener.history).toEqual([]);
    expect(faults).toHaveLength(count);
    expect(faults[0]).toMatchObject({ event, error: { name: 'TypeError' } });
    if (count === 2) expect(faults[1]).toMatchObject({ listener, error: ERROR });
  });

  it('by an accept that is async is reported, rejection included (L7)', async () => {
    class Async extends EventListener {
      override accept(): boolean {
        return Promise.reject(ERROR) as never;
      }
    }
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    const listener = new Async();
    bus.registerListener(listener);
    emit('STOP');
    await microtasks();
    expect(listener.history).toEqual([]);
    expect(faults.map(({ error }) => error)).toEqual([expect.any(TypeError), ERROR]);
  });

  it('by a promise rejected after its removal is still reported (L7)', async () => {
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    const listener = bus.listener('STOP', (() => Promise.reject(ERROR)) as never);
    emit('STOP');
    listener.close();
    await microtasks();
    expect(faults.map(({ error }) => error)).toEqual([expect.any(TypeError), ERROR]);
  });

  it('by an overridden put whose promise rejects is reported, with the event (row 36)', async () => {
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    bus.registerListener(new Failing(() => Promise.reject(ERROR)));
    const after = bus.listener();
    const event = emit('STOP');
    expect(after.clear()).toEqual([event]);
    await microtasks();
    expect(faults).toMatchObject([{ error: ERROR, event }]);
  });

  it('by a put that awaits for ever delays nobody (row 36)', () => {
    const { bus, emit } = openBus();
    bus.registerListener(new Failing(() => new Promise(() => undefined)));
    const after = bus.listener();
    const events = [emit('STOP'), emit('STOP')];
    expect(after.clear()).toEqual(events);
  });

  it('by a throwing onLag keeps the event and is reported (L6, small print)', () => {
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    const listener = bus.listener(null, undefined, { queueLimit: 1, onLag: throwing });
    const seen: QmpEvent[] = [];
    listener.events$.subscribe((event) => {
      seen.push(event);
    });
    const events = [emit('STOP'), emit('RESUME')];
    expect(faults).toMatchObject([{ error: ERROR, event: events[1] }]);
    expect([listener.history, seen]).toEqual([events, events]);
    expect(listener.clear()).toEqual([events[1]]);
  });

  it('by an async onLag that rejects is reported (small print)', async () => {
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    const onLag = (() => Promise.reject(ERROR)) as () => void;
    bus.listener(null, undefined, { queueLimit: 1, onLag });
    emit('STOP');
    emit('STOP');
    await microtasks();
    expect(faults).toMatchObject([{ error: ERROR }]);
  });

  it.each<[what: string, thrown: unknown]>([
    ['nothing', undefined],
    ['a symbol', Symbol('odd')],
    ['an object that cannot be shown', Object.create(null)],
    [
      'an object whose toString throws',
      {
        toString: throwing,
      },
    ],
  ])('by throwing %s is reported like any other', (_what, thrown) => {
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    bus.listener(null, () => {
      throw thrown;
    });
    const after = bus.listener();
    const events = [emit('STOP'), emit('STOP')];
    expect(after.clear()).toEqual(events);
    expect(faults).toHaveLength(2);
    expect(faults[0]?.error).toBe(thrown);
  });

  it('by a throwing toString harms nobody either', () => {
    class Shy extends Failing {
      override toString = throwing;
    }
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    bus.registerListener(new Shy(throwing));
    const after = bus.listener();
    const events = [emit('STOP'), emit('STOP')];
    expect(after.clear()).toEqual(events);
    expect(faults).toHaveLength(2);
  });

  it('is named in the message, and so is the event, its control characters escaped', () => {
    const { bus, emit } = openBus();
    const faults = faultsOf(bus);
    bus.listener(null, throwing);
    emit('STOP\u001b[2J');
    expect(faults[0]?.message).toContain('ScopedListener(every event, filtered; 0 unread)');
    expect(faults[0]?.message).toContain('STOP\\u001b[2J');
    expect(faults[0]?.message).toContain('mine');
  });

  describe('with nobody watching', () => {
    it('warns on the console, once per listener and kind', () => {
      const { bus, source, emit } = openBus({ name: 'vm1' });
      bus.listener('STOP', throwing);
      for (let event = 0; event < 3; event += 1) emit('STOP');
      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn.mock.calls[0]?.[0]).toMatch(/^vm1: ScopedListener\(STOP.*mine/);
      bus.listener('STOP', throwing);
      emit('STOP');
      expect(warn).toHaveBeenCalledTimes(2);
      for (let event = 0; event < 3; event += 1) source.next({ event: 5 } as never);
      expect(warn).toHaveBeenCalledTimes(3);
    });

    it('warns again of nothing once somebody has subscribed, and after that has left of what is new', () => {
      const { bus, emit } = openBus();
      const watching = bus.diagnostics$.subscribe();
      bus.listener('STOP', throwing);
      emit('STOP');
      expect(warn).not.toHaveBeenCalled();
      watching.unsubscribe();
      emit('STOP');
      emit('STOP');
      expect(warn).toHaveBeenCalledTimes(1);
    });
  });

  describe('with a logger', () => {
    const levels = (): jest.Mocked<Logger> => ({ debug: jest.fn(), warn: jest.fn() });

    it('goes to its warn, each time, and not to the console', () => {
      const logger = levels();
      const { bus, emit } = openBus({ name: 'vm1', logger });
      bus.listener('STOP', throwing);
      emit('STOP');
      emit('STOP');
      expect(logger.warn.mock.calls).toEqual(Array(2).fill([expect.stringMatching(/^vm1: .*mine/)]));
      expect(warn).not.toHaveBeenCalled();
    });

    it('goes to it and to diagnostics$', () => {
      const logger = levels();
      const { bus, emit } = openBus({ logger });
      const faults = faultsOf(bus);
      bus.listener('STOP', throwing);
      emit('STOP');
      expect([faults.length, logger.warn.mock.calls.length]).toEqual([1, 1]);
    });

    it('keeps its methods bound to it', () => {
      class Log implements Logger {
        readonly lines: string[] = [];
        debug(message: string): void {
          this.lines.push(message);
        }
        warn(message: string): void {
          this.lines.push(message);
        }
      }
      const logger = new Log();
      const { bus, emit } = openBus({ logger });
      bus.listener('STOP', throwing);
      emit('STOP');
      expect(logger.lines.length).toBeGreaterThan(1);
    });

    it('survives a logger that throws, what it throws included', () => {
      for (const thrown of [ERROR, Object.create(null)] as unknown[]) {
        const logger: Logger = {
          debug: () => {
            throw thrown;
          },
          warn: () => {
            throw thrown;
          },
        };
        const { bus, emit } = openBus({ logger });
        const listener = bus.listener('STOP', throwing);
        const after = bus.listener();
        const events = [emit('STOP'), emit('STOP')];
        expect(after.clear()).toEqual(events);
        listener.close();
        expect(bus.listeners).toEqual([bus.events, after]);
        expect(warn).toHaveBeenCalled();
      }
    });
  });

  describe('diagnostics$', () => {
    it('is hot, and its subscribers are isolated from each other', () => {
      jest.useFakeTimers();
      try {
        const { bus, emit } = openBus();
        const errors: unknown[] = [];
        config.onUnhandledError = (error) => errors.push(error);
        bus.listener('STOP', throwing);
        const before = faultsOf(bus);
        bus.diagnostics$.subscribe(throwing);
        const after = faultsOf(bus);
        emit('STOP');
        const late = faultsOf(bus);
        jest.runAllTimers();
        expect([before.length, after.length, late.length, errors]).toEqual([1, 1, 0, [ERROR]]);
      } finally {
        jest.useRealTimers();
      }
    });

    it('lets an observer emit, remove and close', () => {
      const { bus, emit } = openBus();
      const bad = bus.listener('STOP', throwing);
      const kinds: Diagnostic['kind'][] = [];
      bus.diagnostics$.subscribe(({ kind }) => {
        kinds.push(kind);
        bad.close();
        emit('RESUME');
        bus.close();
      });
      const after = bus.listener();
      emit('STOP');
      expect(kinds).toEqual(['listener-fault']);
      expect(namesIn(after.history)).toEqual(['STOP', 'RESUME']);
    });
  });
});
