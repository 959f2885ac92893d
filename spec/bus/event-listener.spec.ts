import { inspect } from 'node:util';
import { EventListener, JobListener, type EventFilter, type QmpEvent } from 'rx-qmp';
import { eventOf, namesIn, openBus } from '../support/bus-events.js';

describe('EventListener', () => {
  describe('names', () => {
    it.each([
      ['nothing', undefined],
      ['null', null],
      ['an empty array', []],
      ['an empty set', new Set<'STOP'>()],
    ])('hears everything with %s (row 1)', (_what, names) => {
      const listener = new EventListener(names);
      expect([...listener.names]).toEqual([]);
      expect(listener.put(eventOf('STOP'))).toBe(true);
      expect(listener.put(eventOf('NEWER_THAN_US'))).toBe(true);
    });

    it('takes a string as one name (row 1)', () => {
      const listener = new EventListener('STOP');
      expect([...listener.names]).toEqual(['STOP']);
      expect(listener.put(eventOf('STOP'))).toBe(true);
      expect(listener.put(eventOf('S'))).toBe(false);
      expect(listener.put(eventOf('RESUME'))).toBe(false);
    });

    it('takes any iterable as a set, duplicates merged (row 1)', () => {
      function* names(): Generator<'STOP' | 'RESUME'> {
        yield 'STOP';
        yield 'RESUME';
        yield 'STOP';
      }
      expect([...new EventListener(names()).names]).toEqual(['STOP', 'RESUME']);
      expect([...new EventListener(new Set(['STOP'] as const)).names]).toEqual(['STOP']);
    });

    it('takes an empty string as a name that nothing bears (row 2)', () => {
      const { bus, emit } = openBus();
      const listener = bus.listener(String());
      emit('STOP');
      expect(listener.put(eventOf('RESUME'))).toBe(false);
      expect(listener.empty()).toBe(true);
    });

    it.each([5, true, {}, Symbol('STOP'), () => 'STOP', [5], ['STOP', 5], ['STOP', undefined], [null]])(
      'refuses %p with a TypeError that says names (row 3)',
      (names) => {
        const { bus } = openBus();
        expect(() => new EventListener(names as never)).toThrow(TypeError);
        expect(() => new EventListener(names as never)).toThrow(/names/);
        expect(() => bus.listener(names as never)).toThrow(/names/);
        expect(() => bus.observe(names as never)).toThrow(/names/);
        expect(bus.listeners).toEqual([bus.events]);
        const listener = new EventListener('STOP');
        expect(() => (listener.names = names as never)).toThrow(TypeError);
        expect([...listener.names]).toEqual(['STOP']);
      },
    );

    it('refuses to add what is no string', () => {
      const listener = new EventListener('STOP');
      expect(() => listener.names.add(5 as never)).toThrow(TypeError);
      expect([...listener.names]).toEqual(['STOP']);
    });

    it.each([
      ['while unregistered', false],
      ['while registered', true],
    ])('counts a change from the next event on, %s (L1, row 4)', (_when, registered) => {
      const { bus, source } = openBus();
      const listener = new EventListener('STOP');
      if (registered) bus.registerListener(listener);
      const heard = (name: string): boolean => {
        const event = eventOf(name);
        if (registered) source.next(event);
        else listener.put(event);
        return listener.history.some((heard) => heard === event);
      };
      expect(heard('RESUME')).toBe(false);
      listener.names.add('RESUME');
      expect([heard('STOP'), heard('RESUME'), heard('RESET')]).toEqual([true, true, false]);
      listener.names.delete('STOP');
      expect([heard('STOP'), heard('RESUME'), heard('RESET')]).toEqual([false, true, false]);
      listener.names.clear();
      expect([heard('STOP'), heard('RESUME'), heard('RESET')]).toEqual([true, true, true]);
      listener.names.add('RESET');
      expect([heard('STOP'), heard('RESUME'), heard('RESET')]).toEqual([false, false, true]);
      listener.names.delete('RESET');
      expect([heard('STOP'), heard('RESUME'), heard('RESET')]).toEqual([true, true, true]);
      listener.names = ['RESUME', 'RESET'];
      expect([heard('STOP'), heard('RESUME'), heard('RESET')]).toEqual([false, true, true]);
      listener.names = null;
      expect([heard('STOP'), heard('RESUME'), heard('RESET')]).toEqual([true, true, true]);
    });

    it('normalises what is assigned: a string is one name (row 5)', () => {
      const listener = new EventListener();
      listener.names = 'STOP';
      expect([...listener.names]).toEqual(['STOP']);
      expect(listener.put(eventOf('STOP'))).toBe(true);
      expect(listener.put(eventOf('STO'))).toBe(false);
      listener.names = ['RESUME', 'RESET', 'RESUME'];
      expect([...listener.names]).toEqual(['RESUME', 'RESET']);
      listener.names = listener.names;
      expect([...listener.names]).toEqual(['RESUME', 'RESET']);
    });

    it('is the same set for ever and shows nothing but names, registered or not', () => {
      const { bus } = openBus();
      const listener = new EventListener('STOP');
      const { names } = listener;
      bus.registerListener(listener);
      listener.names = ['RESUME'];
      expect(listener.names).toBe(names);
      expect(Object.keys(names)).toEqual([]);
      expect([...names]).toEqual(['RESUME']);
    });
  });

  describe('accept', () => {
    it('asks the filter only about events whose name matches (L1, row 6)', () => {
      const asked: string[] = [];
      const listener = new EventListener('STOP', (event) => {
        asked.push(event.event);
        return true;
      });
      expect(listener.put(eventOf('RESUME'))).toBe(false);
      expect(listener.put(eventOf('STOP'))).toBe(true);
      expect(asked).toEqual(['STOP']);
    });

    it.each([
      [1, true],
      ['yes', true],
      [{}, true],
      [0, false],
      ['', false],
      [null, false],
      [undefined, false],
      [NaN, false],
    ])('counts a verdict of %p as %p (row 7)', (verdict, accepted) => {
      expect(new EventListener('STOP', () => verdict).put(eventOf('STOP'))).toBe(accepted);
    });

    it('lets the filter be replaced at any time; none is no filter (L1, row 8)', () => {
      const { bus, emit } = openBus();
      const listener = bus.listener('STOP', () => false);
      emit('STOP');
      expect(listener.size).toBe(0);
      const filter: EventFilter<'STOP'> = (event) => event.timestamp.seconds >= 0;
      listener.eventFilter = filter;
      expect(listener.eventFilter).toBe(filter);
      emit('STOP');
      expect(listener.size).toBe(1);
      listener.eventFilter = () => false;
      emit('STOP');
      expect(listener.size).toBe(1);
      listener.eventFilter = undefined;
      emit('STOP');
      expect(listener.size).toBe(2);
    });

    it('takes no promise for a yes (L7)', () => {
      const listener = new EventListener('STOP', (() => Promise.resolve(true)) as never);
      expect(() => listener.put(eventOf('STOP'))).toThrow(/promise/);
      expect(listener.history).toEqual([]);
      expect(listener.empty()).toBe(true);
    });

    it('leaves no rejection of a filter unhandled when nobody is there to tell (L7)', () => {
      const listener = new EventListener('STOP', (() => Promise.reject(new Error('no'))) as never);
      expect(() => listener.put(eventOf('STOP'))).toThrow(TypeError);
    });

    it('may be overridden to widen or to narrow (L8, row 42)', () => {
      class Wide extends EventListener<'STOP'> {
        override accept(event: QmpEvent): boolean {
          return super.accept(event) || event.event === 'RESUME';
        }
      }
      class Narrow extends EventListener {
        override accept(event: QmpEvent): boolean {
          return super.accept(event) && event.event !== 'STOP';
        }
      }
      const { bus, emit } = openBus();
      const wide = new Wide('STOP');
      const narrow = new Narrow();
      bus.listen(wide, narrow);
      for (const name of ['STOP', 'RESUME', 'RESET']) emit(name);
      expect(namesIn(wide.history)).toEqual(['STOP', 'RESUME']);
      expect(namesIn(narrow.history)).toEqual(['RESUME', 'RESET']);
    });
  });

  describe('put', () => {
    it('serves the history, then the queue, then the view (L2)', () => {
      const order: unknown[] = [];
      const listener = new EventListener('STOP');
      listener.events$.subscribe((event) => {
        order.push([listener.history.at(-1) === event, listener.size]);
      });
      listener.put(eventOf('STOP'));
      expect(order).toEqual([[true, 1]]);
      const limited = new EventListener('STOP', undefined, {
        queueLimit: 1,
        onLag: () => {
          order.push(['told of lag', limited.history.length, limited.size]);
        },
      });
      limited.events$.subscribe(() => {
        order.push('view');
      });
      limited.put(eventOf('STOP'));
      limited.put(eventOf('STOP'));
      expect(order.slice(1)).toEqual(['view', ['told of lag', 2, 1], 'view']);
    });

    it('hands an event to the longest-waiting reader instead of the queue (L2)', async () => {
      const listener = new EventListener('STOP');
      const reading = listener.get();
      const event = eventOf('STOP');
      listener.put(event);
      expect(listener.size).toBe(0);
      expect(listener.history).toEqual([event]);
      await expect(reading).resolves.toBe(event);
    });

    it('takes synthetic events, registered or not (row 40)', async () => {
      const { bus } = openBus();
      const listener = new EventListener('STOP');
      const first = eventOf('STOP');
      expect(listener.put(first)).toBe(true);
      await expect(listener.get()).resolves.toBe(first);
      bus.registerListener(listener);
      expect(listener.put(eventOf('STOP'))).toBe(true);
      expect(bus.events.empty()).toBe(true);
    });

    it('throws to its caller what the filter throws', () => {
      const error = new Error('no');
      const listener = new EventListener('STOP', () => {
        throw error;
      });
      expect(() => listener.put(eventOf('STOP'))).toThrow(error);
      expect(listener.history).toEqual([]);
    });

    it('is refused by a listener that has ended', () => {
      const { bus } = openBus();
      const listener = bus.listener('STOP');
      listener.close();
      expect(listener.put(eventOf('STOP'))).toBe(false);
      bus.registerListener(listener);
      expect(listener.put(eventOf('STOP'))).toBe(true);
      bus.close();
      expect(listener.put(eventOf('STOP'))).toBe(false);
      expect(listener.history).toHaveLength(1);
    });

    it('refuses the event in whose filter the listener is removed, even if it is registered anew', () => {
      const { bus, emit } = openBus();
      const listener = new EventListener('STOP', () => {
        bus.removeListener(listener);
        listener.eventFilter = undefined;
        bus.registerListener(listener);
        return true;
      });
      bus.registerListener(listener);
      emit('STOP');
      expect(listener.history).toEqual([]);
      const second = emit('STOP');
      expect(listener.history).toEqual([second]);
    });
  });

  describe('clear', () => {
    it('returns the unread events and leaves the history (L5, rows 15, 16)', () => {
      const listener = new EventListener();
      const events = [eventOf('STOP'), eventOf('RESUME')];
      expect(listener.empty()).toBe(true);
      for (const event of events) listener.put(event);
      expect([listener.empty(), listener.size]).toEqual([false, 2]);
      expect(listener.clear()).toEqual(events);
      expect(listener.clear()).toEqual([]);
      expect([listener.empty(), listener.size]).toEqual([true, 0]);
      expect(listener.history).toEqual(events);
    });

    it('leaves waiting readers waiting', async () => {
      const listener = new EventListener();
      const reading = listener.get();
      listener.clear();
      const event = eventOf('STOP');
      listener.put(event);
      await expect(reading).resolves.toBe(event);
    });
  });

  describe('history', () => {
    it('holds every accepted event, read or not, and shares its object (rows 17, 18)', async () => {
      const { bus, emit } = openBus();
      const listener = bus.listener(['STOP', 'RESUME']);
      const other = bus.listener();
      const read = emit('STOP');
      await listener.get();
      const unread = emit('RESUME');
      emit('RESET');
      expect(listener.history).toEqual([read, unread]);
      expect(listener.history[0]).toBe(read);
      expect(other.history[0]).toBe(read);
      expect(bus.events.history[0]).toBe(read);
    });

    it('survives clear, removal and registration anew (L5, row 17)', () => {
      const { bus, emit } = openBus();
      const listener = bus.listener('STOP');
      const first = emit('STOP');
      listener.clear();
      listener.close();
      expect(listener.history).toEqual([first]);
      emit('STOP');
      bus.registerListener(listener);
      const third = emit('STOP');
      bus.close();
      expect(listener.history).toEqual([first, third]);
    });

    it('holds the latest historyLimit events (L5, row 19)', () => {
      for (const historyLimit of [0, 1, 3, 16, 17]) {
        const listener = new EventListener(null, undefined, { historyLimit });
        const events = Array.from({ length: 40 }, () => eventOf('STOP'));
        for (const event of events) listener.put(event);
        expect(listener.history).toEqual(historyLimit === 0 ? [] : events.slice(-historyLimit));
      }
      const endless = new EventListener(null, undefined, { historyLimit: Infinity, queueLimit: 0 });
      for (let event = 0; event < 20_000; event += 1) endless.put(eventOf('STOP'));
      expect(endless.history).toHaveLength(20_000);
      const byDefault = new EventListener(null, undefined, { queueLimit: 0 });
      for (let event = 0; event < 1_001; event += 1) byDefault.put(eventOf('STOP'));
      expect(byDefault.history).toHaveLength(1_000);
    });

    it('is frozen, never changes, and is the same array until the next event (L5, row 17)', () => {
      const listener = new EventListener();
      listener.put(eventOf('STOP'));
      const before = listener.history;
      expect(Object.isFrozen(before)).toBe(true);
      expect(listener.history).toBe(before);
      listener.put(eventOf('RESUME'));
      expect(namesIn(before)).toEqual(['STOP']);
      expect(namesIn(listener.history)).toEqual(['STOP', 'RESUME']);
    });
  });

  describe('constructor', () => {
    it.each([
      ['queueLimit', -1, RangeError],
      ['queueLimit', NaN, RangeError],
      ['queueLimit', 1.5, RangeError],
      ['queueLimit', '5', TypeError],
      ['queueLimit', null, TypeError],
      ['historyLimit', -1, RangeError],
      ['historyLimit', NaN, RangeError],
      ['historyLimit', 5n, TypeError],
      ['onLag', 5, TypeError],
      ['onLag', {}, TypeError],
    ])('refuses %s: %p by name', (option, value, kind) => {
      const { bus } = openBus();
      const options = { [option]: value };
      expect(() => new EventListener('STOP', undefined, options)).toThrow(kind);
      expect(() => bus.listener('STOP', undefined, options)).toThrow(option);
      expect(() => openBus({ events: options })).toThrow(option);
      expect(bus.listeners).toEqual([bus.events]);
    });

    it.each([5, 'STOP', {}, true])('refuses %p for a filter', (filter) => {
      const { bus } = openBus();
      expect(() => new EventListener('STOP', filter as never)).toThrow(TypeError);
      expect(() => bus.listener('STOP', filter as never)).toThrow(/eventFilter/);
      expect(() => bus.observe('STOP', filter as never)).toThrow(/eventFilter/);
      const listener = new EventListener('STOP');
      expect(() => (listener.eventFilter = filter as never)).toThrow(/eventFilter/);
      expect(listener.eventFilter).toBeUndefined();
    });
  });

  describe('toString', () => {
    it('shows names, filter and the number of unread events (row 41)', () => {
      class Watcher extends EventListener<'STOP' | 'RESUME'> {}
      const listener = new Watcher(['STOP', 'RESUME'], () => true);
      listener.put(eventOf('STOP'));
      expect(listener.toString()).toBe('Watcher(STOP, RESUME, filtered; 1 unread)');
      expect(inspect(listener)).toBe(listener.toString());
      expect(new EventListener().toString()).toBe('EventListener(every event; 0 unread)');
    });
  });
});

describe('JobListener', () => {
  it('hears the events of one job (L8, row 42)', () => {
    const { bus, emit } = openBus();
    const listener = new JobListener('backup0');
    bus.registerListener(listener);
    emit('JOB_STATUS_CHANGE', { id: 'backup0', status: 'created' });
    emit('JOB_STATUS_CHANGE', { id: 'mirror0', status: 'created' });
    emit('STOP');
    emit('JOB_STATUS_CHANGE', { id: 'backup0', status: 'running' });
    for (const kind of ['COMPLETED', 'CANCELLED', 'ERROR', 'READY']) {
      emit(`BLOCK_JOB_${kind}`, { device: 'backup0' });
      emit(`BLOCK_JOB_${kind}`, { device: 'mirror0' });
    }
    emit('BLOCK_JOB_PENDING', { id: 'backup0', type: 'backup' });
    expect(listener.clear().map(({ event }) => event)).toEqual([
      ...['JOB_STATUS_CHANGE', 'JOB_STATUS_CHANGE', 'BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'],
      ...['BLOCK_JOB_ERROR', 'BLOCK_JOB_READY', 'BLOCK_JOB_PENDING'],
    ]);
    expect(listener.job).toBe('backup0');
  });

  it('takes odd or missing data for no match, never for a fault (L8)', () => {
    const { bus, source } = openBus();
    const diagnostics: unknown[] = [];
    bus.diagnostics$.subscribe((diagnostic) => diagnostics.push(diagnostic));
    const listener = new JobListener('backup0');
    bus.registerListener(listener);
    for (const data of [undefined, null, 5, 'backup0', ['backup0'], { id: { id: 'backup0' } }]) {
      source.next({ ...eventOf('BLOCK_JOB_COMPLETED'), data } as never);
    }
    expect([listener.size, diagnostics]).toEqual([0, []]);
  });
});
