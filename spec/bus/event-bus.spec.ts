import { of, throwError, type Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import {
  DisconnectedError,
  EventBus,
  EventListener,
  ListenerError,
  type Diagnostic,
  type Message,
  type QmpEvent,
} from 'rx-qmp';
import { eventOf, namesIn, openBus, settled } from '../support/bus-events.js';

/** A listener that notes its turn before it accepts. */
function noting(turns: string[], label: string): EventListener {
  return new EventListener(null, () => {
    turns.push(label);
    return true;
  });
}

describe('EventBus', () => {
  describe('dispatch', () => {
    it('serves listeners in order of registration, events first (B1, row 20)', () => {
      const turns: string[] = [];
      const { bus, emit } = openBus();
      bus.events.eventFilter = () => turns.push('events');
      const [a, b, c] = ['a', 'b', 'c'].map((label) => noting(turns, label)) as [
        EventListener,
        EventListener,
        EventListener,
      ];
      b.names = 'STOP';
      bus.listen(a, b, c);
      emit('STOP');
      expect(turns).toEqual(['events', 'a', 'b', 'c']);
      bus.removeListener(a);
      bus.registerListener(a);
      turns.length = 0;
      emit('STOP');
      expect(turns).toEqual(['events', 'b', 'c', 'a']);
      expect(bus.listeners).toEqual([bus.events, b, c, a]);
    });

    it('keeps the place of a listener whose names change (B1)', () => {
      const turns: string[] = [];
      const { bus, emit } = openBus();
      const listeners = ['a', 'b', 'c', 'd'].map((label) => noting(turns, label));
      bus.listen(...listeners);
      listeners[2]?.names.add('STOP');
      listeners[0]?.names.add('STOP');
      emit('STOP');
      expect(turns).toEqual(['a', 'b', 'c', 'd']);
      listeners[0]?.names.clear();
      listeners[1]?.names.add('STOP');
      turns.length = 0;
      emit('STOP');
      expect(turns).toEqual(['a', 'b', 'c', 'd']);
    });

    it('gives each listener the events in the order they came (B1)', () => {
      const { bus, emit } = openBus();
      const listener = bus.listener(['STOP', 'RESUME']);
      const events = ['STOP', 'RESUME', 'RESET', 'STOP', 'STOP'].map((name) => emit(name));
      expect(bus.events.clear()).toEqual(events);
      expect(listener.clear()).toEqual(events.filter(({ event }) => event !== 'RESET'));
    });

    it('is done when the source has emitted (B2)', () => {
      const { bus, source } = openBus();
      const listener = bus.listener();
      const event = eventOf('STOP');
      source.next(event);
      expect(listener.clear()).toEqual([event]);
    });

    it('follows the frames of its source', () => {
      const scheduler = new TestScheduler((actual, expected) => {
        expect(actual).toEqual(expected);
      });
      scheduler.run(({ hot, expectObservable, expectSubscriptions }) => {
        const values = { s: eventOf('STOP'), r: eventOf('RESUME'), g: { return: {} } };
        const source = hot<Message>(' --s-g-r--s-|', values);
        const bus = new EventBus(source);
        expectObservable(bus.events$).toBe('--s---r--s-|', values);
        expectObservable(bus.events$, '----^-----!').toBe('------r--s', values);
        expectObservable(bus.observe('STOP'), '---^').toBe('---------s-|', values);
        expectSubscriptions(source.subscriptions).toBe('^----------!');
      });
    });

    it('lets a listener added inside a dispatch hear the next event, whoever adds it (B2, row 28)', () => {
      for (const adder of ['the view of the bus', 'the built-in', 'a listener'] as const) {
        const { bus, emit } = openBus();
        const added = new EventListener('STOP');
        const addedToAll = new EventListener();
        const add = (): void => {
          if (!bus.listeners.includes(added)) bus.listen(added, addedToAll);
        };
        const at =
          adder === 'the view of the bus'
            ? bus.events$
            : adder === 'the built-in'
              ? bus.events.events$
              : bus.listener().events$;
        at.subscribe(add);
        emit('STOP');
        expect([adder, added.size, addedToAll.size]).toEqual([adder, 0, 0]);
        emit('STOP');
        expect([adder, added.size, addedToAll.size]).toEqual([adder, 1, 1]);
      }
    });

    it('lets one removed inside a dispatch hear nothing more, and the others everything (B2, row 28)', () => {
      const { bus, emit } = openBus();
      const [first, second, third] = [new EventListener(), new EventListener('STOP'), new EventListener()] as const;
      bus.listen(first, second, third);
      first.events$.subscribe(() => {
        bus.removeListener(first);
        bus.removeListener(second);
      });
      const event = emit('STOP');
      expect([first.history, second.history, third.history]).toEqual([[event], [], [event]]);
      const next = emit('STOP');
      expect([first.history, second.history, third.history]).toEqual([[event], [], [event, next]]);
    });

    it('lets one removed and added again inside a dispatch hear the next event only (B2)', () => {
      const { bus, emit } = openBus();
      const [first, second] = [new EventListener(), new EventListener()] as const;
      bus.listen(first, second);
      first.events$.subscribe(() => {
        bus.removeListener(second);
        bus.registerListener(second);
      });
      emit('STOP');
      expect(second.history).toEqual([]);
    });

    it('counts names added inside a dispatch from the next event on, whoever adds them (L1, B2)', () => {
      for (const [place, changed] of [['before', 0] as const, ['after', 1] as const]) {
        const { bus, emit } = openBus();
        const listeners = [new EventListener('RESUME'), new EventListener('RESUME')] as const;
        const listener = listeners[changed];
        const adder = new EventListener('STOP');
        bus.listen(listeners[0], adder, listeners[1]);
        adder.events$.subscribe(() => {
          listener.names.add('STOP');
        });
        emit('STOP');
        expect([place, listener.size]).toEqual([place, 0]);
        emit('STOP');
        expect([place, listener.size]).toEqual([place, 1]);
      }
      const { bus, emit } = openBus();
      const listener = bus.listener('RESUME');
      bus.events$.subscribe(() => {
        listener.names.add('STOP');
      });
      emit('STOP');
      expect(listener.size).toBe(0);
      emit('STOP');
      expect(listener.size).toBe(1);
    });

    it('keeps an event emitted inside a dispatch until everybody has the current one (B2)', () => {
      const { bus, emit } = openBus();
      const turns: string[] = [];
      const [first, last] = [bus.listener(), bus.listener()] as const;
      first.events$.subscribe(({ event }) => {
        turns.push(`first ${event}`);
        if (event === 'STOP') {
          emit('RESUME');
          emit('RESET');
          turns.push('emitted');
        }
        if (event === 'RESUME') emit('SHUTDOWN');
      });
      last.events$.subscribe(({ event }) => {
        turns.push(`last ${event}`);
      });
      emit('STOP');
      expect(turns).toEqual([
        ...['first STOP', 'emitted', 'last STOP'],
        ...['first RESUME', 'last RESUME', 'first RESET', 'last RESET', 'first SHUTDOWN', 'last SHUTDOWN'],
      ]);
      expect(namesIn(bus.events.history)).toEqual(['STOP', 'RESUME', 'RESET', 'SHUTDOWN']);
    });

    it('goes on with its work when the one who emitted inside a dispatch then throws (B2, B5)', () => {
      const { bus, emit } = openBus();
      bus.diagnostics$.subscribe();
      bus.listener('STOP', () => {
        emit('RESUME');
        throw new Error('mine');
      });
      const listener = bus.listener();
      emit('STOP');
      emit('RESET');
      expect(namesIn(listener.history)).toEqual(['STOP', 'RESUME', 'RESET']);
    });

    it('closes after the current event when told inside a dispatch (B2)', () => {
      const { bus, emit } = openBus();
      const [first, last] = [bus.listener('STOP'), bus.listener()] as const;
      let completed = false;
      bus.events$.subscribe({
        complete: () => {
          completed = true;
        },
      });
      first.events$.subscribe(() => {
        emit('RESUME');
        bus.close();
        emit('RESET');
        expect(completed).toBe(false);
      });
      emit('STOP');
      expect(completed).toBe(true);
      expect(namesIn(last.history)).toEqual(['STOP', 'RESUME']);
      emit('RESET');
      expect(namesIn(last.history)).toEqual(['STOP', 'RESUME']);
    });

    it('drops and reports an event whose name is no string, and nothing else (row 39)', () => {
      const { bus, source, emit } = openBus();
      const diagnostics: Diagnostic[] = [];
      bus.diagnostics$.subscribe((diagnostic) => {
        diagnostics.push(diagnostic);
      });
      const odd = { event: 5, timestamp: { seconds: 1, microseconds: 0 } } as unknown as Message;
      source.next(odd);
      source.next({ return: {} });
      source.next({ QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 }, package: '' }, capabilities: [] } });
      emit('STOP');
      expect(diagnostics).toEqual([expect.objectContaining({ kind: 'not-an-event', received: odd })]);
      expect(namesIn(bus.events.history)).toEqual(['STOP']);
    });
  });

  describe('events', () => {
    it('hears everything from the start and is first among the listeners', () => {
      const { bus, emit } = openBus();
      expect(bus.listeners).toEqual([bus.events]);
      const event = emit('A_NEWER_EVENT');
      expect(bus.events.history).toEqual([event]);
    });

    it('may be narrowed, while events$ shows everything', () => {
      const { bus, emit } = openBus();
      const seen: QmpEvent[] = [];
      bus.events$.subscribe((event) => {
        seen.push(event);
      });
      bus.events.names = 'STOP';
      emit('STOP');
      emit('RESUME');
      bus.events.names = null;
      emit('RESET');
      expect(namesIn(seen)).toEqual(['STOP', 'RESUME', 'RESET']);
      expect(namesIn(bus.events.history)).toEqual(['STOP', 'RESET']);
    });
  });

  describe('registerListener and removeListener', () => {
    /** Runs what must throw, and checks that the bus and its listeners are as before (B3). */
    function refuses(bus: EventBus, listeners: EventListener[], action: () => unknown, kind: unknown): void {
      const state = (): unknown => [
        [...bus.listeners],
        listeners.map((listener) => [listener.size, listener.history, [...listener.names]]),
      ];
      const before = state();
      expect(action).toThrow(kind as typeof Error);
      expect(state()).toEqual(before);
    }

    it('refuse to register twice (B3, row 21)', () => {
      const { bus, emit } = openBus();
      const other = openBus().bus;
      const listener = new EventListener('STOP');
      bus.registerListener(listener);
      emit('STOP');
      for (const [where, what] of [
        [bus, listener],
        [bus, bus.events],
        [other, listener],
        [other, bus.events],
      ] as const) {
        refuses(
          where,
          [listener, bus.events],
          () => {
            where.registerListener(what);
          },
          ListenerError,
        );
      }
      const event = emit('STOP');
      expect(listener.history.at(-1)).toBe(event);
      expect(listener.size).toBe(2);
    });

    it('refuse to remove the built-in, or what is not registered here (B3, rows 22, 23)', () => {
      const { bus, emit } = openBus();
      const other = openBus().bus;
      const elsewhere = other.listener();
      const never = new EventListener();
      never.put(eventOf('STOP'));
      elsewhere.put(eventOf('STOP'));
      const removed = bus.listener();
      removed.close();
      emit('STOP');
      for (const what of [bus.events, never, elsewhere, removed, other.events]) {
        refuses(bus, [bus.events, never, elsewhere], () => bus.removeListener(what), ListenerError);
      }
      expect(never.size).toBe(1);
      expect(elsewhere.size).toBe(1);
      emit('STOP');
      expect(bus.events.size).toBe(2);
    });

    it.each([undefined, null, 5, {}, { put: () => true }])('refuse %p with a TypeError', (what) => {
      const { bus } = openBus();
      refuses(
        bus,
        [],
        () => {
          bus.registerListener(what as never);
        },
        TypeError,
      );
      refuses(bus, [], () => bus.removeListener(what as never), TypeError);
      refuses(bus, [], () => bus.listen(new EventListener(), what as never), TypeError);
    });

    it('name the bus and the listener in their errors', () => {
      const { bus } = openBus({ name: 'vm3' });
      const listener = bus.listener('STOP');
      expect(() => {
        openBus({ name: 'vm4' }).bus.registerListener(listener);
      }).toThrow(/vm4.*ScopedListener\(STOP.*vm3/);
    });

    it('drain a removed listener, return the unread events and keep the history (B4, row 24)', () => {
      const { bus, emit } = openBus();
      const listener = new EventListener('STOP');
      bus.registerListener(listener);
      const events = [emit('STOP'), emit('STOP')];
      expect(bus.removeListener(listener)).toEqual(events);
      expect(listener.empty()).toBe(true);
      expect(listener.history).toEqual(events);
      emit('STOP');
      expect(listener.history).toEqual(events);
    });

    it('end the reads of a removed listener (B4)', async () => {
      const { bus } = openBus({ name: 'vm5' });
      const listener = new EventListener('STOP');
      bus.registerListener(listener);
      const iterators = [listener.iterate(), listener.iterate()];
      const waiting = iterators.map((iterator) => settled(iterator.next()));
      const gets = [listener.get(), listener.get({ timeout: 60_000 })].map(settled);
      bus.removeListener(listener);
      for (const outcome of await Promise.all(waiting)) {
        expect(outcome).toEqual({ value: { done: true, value: undefined } });
      }
      for (const outcome of await Promise.all(gets)) {
        expect(outcome).toMatchObject({
          error: { name: 'ListenerError', message: expect.stringMatching(/^vm5: /) as string },
        });
      }
    });
  });

  describe('close', () => {
    it('is the end of the source, in good order or after a loss (B8)', async () => {
      for (const [how, end] of [
        [
          'close',
          (bus: EventBus) => {
            bus.close();
          },
        ],
        [
          'complete',
          (_bus: EventBus, source: Subject<Message>) => {
            source.complete();
          },
        ],
        [
          'error',
          (_bus: EventBus, source: Subject<Message>) => {
            source.error(new Error('cable cut'));
          },
        ],
      ] as const) {
        const { bus, source, emit } = openBus({ name: 'vm6' });
        const ends: string[] = [];
        const note = (what: string) => ({
          complete: () => ends.push(`${what} completes`),
          error: (error: unknown) => ends.push(`${what} fails: ${String(error)}`),
        });
        bus.events$.subscribe(note('events$'));
        bus.diagnostics$.subscribe(note('diagnostics$'));
        bus.events.events$.subscribe(note('view'));
        bus.observe('STOP').subscribe(note('observe'));
        const waiting = bus.events.get();
        end(bus, source);
        const loss = how === 'error' ? 'fails: DisconnectedError: vm6: the connection is lost: cable cut' : 'completes';
        expect(ends).toEqual(['view completes', `observe ${loss}`, 'events$ completes', 'diagnostics$ completes']);
        const error: unknown = await waiting.catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(DisconnectedError);
        if (how === 'error') expect(error).toMatchObject({ cause: { message: 'cable cut' } });
        expect(source.observed).toBe(false);
        emit('STOP');
        expect(bus.events.history).toEqual([]);
      }
    });

    it('keeps unread events, histories and registrations (B8, row 27)', async () => {
      const { bus, emit } = openBus();
      const listener = bus.listener();
      const event = emit('STOP');
      bus.close();
      expect(bus.listeners).toEqual([bus.events, listener]);
      expect(listener.history).toEqual([event]);
      await expect(listener.get()).resolves.toBe(event);
    });

    it('may be called again, and by `using`', () => {
      const { bus, source } = openBus();
      bus[Symbol.dispose]();
      bus.close();
      bus.close();
      expect(source.observed).toBe(false);
    });

    it('is final: what is registered or observed later has ended', () => {
      const { bus } = openBus();
      bus.close();
      const ends: string[] = [];
      const note = { complete: () => ends.push('complete') };
      bus.events$.subscribe(note);
      bus.diagnostics$.subscribe(note);
      bus.observe().subscribe(note);
      bus.listener().events$.subscribe(note);
      expect(ends).toEqual(Array(4).fill('complete'));
    });

    it('survives an error that cannot be shown', async () => {
      const { bus, source } = openBus();
      const listener = bus.listener();
      source.error(Object.create(null) as Error);
      await expect(listener.get()).rejects.toBeInstanceOf(DisconnectedError);
    });
  });

  describe('a source that does not wait', () => {
    it('may emit, complete or fail while it is being subscribed', async () => {
      const event = eventOf('STOP');
      const completed = new EventBus(of<Message>(event));
      expect(completed.events.history).toEqual([event]);
      await expect(completed.events.get()).resolves.toBe(event);
      await expect(completed.events.get()).rejects.toBeInstanceOf(DisconnectedError);
      const failed = new EventBus(throwError(() => new Error('at once')));
      await expect(failed.events.iterate().next()).rejects.toMatchObject({ cause: { message: 'at once' } });
    });
  });
});
