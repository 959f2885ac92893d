import {
  concat,
  EMPTY,
  EmptyError,
  firstValueFrom,
  last,
  lastValueFrom,
  repeat,
  retry,
  Subject,
  take,
  takeUntil,
  toArray,
  type Observable,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { DisconnectedError, EventBus, EventListener, ListenerError, type Message, type QmpEvent } from 'rx-qmp';
import { eventOf, openBus } from '../support/bus-events.js';

interface Noted {
  readonly seen: QmpEvent[];
  end: unknown;
}

function note(events$: Observable<QmpEvent>): Noted {
  const noted: Noted = { seen: [], end: 'none' };
  events$.subscribe({
    next: (event) => {
      noted.seen.push(event);
    },
    complete: () => {
      noted.end = 'completed';
    },
    error: (error: unknown) => {
      noted.end = error;
    },
  });
  return noted;
}

/** A bus whose sessions end and begin, as those of a client do. */
class SessionBus extends EventBus {
  readonly #source: Subject<Message>;

  constructor() {
    const source = new Subject<Message>();
    super(source);
    this.#source = source;
  }

  endSession(cause?: Error): void {
    if (cause) this.endListeners({ how: 'lost', error: this.lossOf(cause) });
    else this.endListeners({ how: 'closed', error: new DisconnectedError('over') });
  }

  beginSession(): void {
    this.reviveListeners();
  }

  emit(name: string): QmpEvent {
    const event = eventOf(name);
    this.#source.next(event);
    return event;
  }
}

describe('EventBus', () => {
  describe('observe with names', () => {
    it('registers nothing until somebody subscribes (B7)', () => {
      const { bus } = openBus();
      const stops$ = bus.observe('STOP');
      expect(bus.listeners).toEqual([bus.events]);
      const subscription = stops$.subscribe();
      expect(bus.listeners).toHaveLength(2);
      subscription.unsubscribe();
      expect(bus.listeners).toEqual([bus.events]);
    });

    it('has a listener for each subscription, without queue and history (B7)', () => {
      const { bus, emit } = openBus();
      const stops$ = bus.observe('STOP');
      const first = note(stops$);
      const one = emit('STOP');
      const second = note(stops$);
      const two = emit('STOP');
      emit('RESUME');
      expect([first.seen, second.seen]).toEqual([[one, two], [two]]);
      const [, a, b] = bus.listeners;
      expect(a).not.toBe(b);
      for (const listener of [a, b]) {
        expect([listener?.size, listener?.dropped, listener?.history]).toEqual([0, 0, []]);
      }
    });

    it('asks its filter, and takes any number of names from any iterable (row 1)', () => {
      const { bus, emit } = openBus();
      const names = new Set(['STOP', 'RESUME'] as const);
      const both = note(bus.observe(names.values(), (event) => event.event === 'STOP'));
      const again = note(bus.observe(names));
      names.clear();
      const all = note(bus.observe());
      const events = [emit('STOP'), emit('RESUME'), emit('RESET')];
      expect([both.seen, again.seen, all.seen]).toEqual([[events[0]], events.slice(0, 2), events]);
    });

    it('reports a filter that throws; the others get the event (B5)', () => {
      const { bus, emit } = openBus();
      const kinds: string[] = [];
      bus.diagnostics$.subscribe(({ kind }) => kinds.push(kind));
      const bad = note(
        bus.observe('STOP', () => {
          throw new Error('mine');
        }),
      );
      const good = note(bus.observe('STOP'));
      const event = emit('STOP');
      expect([bad.seen, bad.end, good.seen, kinds]).toEqual([[], 'none', [event], ['listener-fault']]);
    });

    it('is removed when the subscriber leaves, whatever the way (B7)', async () => {
      const { bus, emit } = openBus();
      const first = firstValueFrom(bus.observe('STOP'));
      const until = note(bus.observe('STOP').pipe(takeUntil(bus.observe('RESUME'))));
      const event = emit('STOP');
      await expect(first).resolves.toBe(event);
      emit('RESUME');
      expect(until).toEqual({ seen: [event], end: 'completed' });
      expect(bus.listeners).toEqual([bus.events]);
    });

    it('is removed even if another finalizer of the subscriber throws', () => {
      const { bus } = openBus();
      const subscription = bus.observe('STOP').subscribe();
      subscription.add(() => {
        throw new Error('mine');
      });
      expect(() => {
        subscription.unsubscribe();
      }).toThrow('mine');
      expect(bus.listeners).toEqual([bus.events]);
    });

    it('hears the next event when subscribed inside one, and nothing more when left inside one (B2)', () => {
      const { bus, emit } = openBus();
      const inner: Noted[] = [];
      const left = note(bus.observe('STOP').pipe(take(1)));
      bus
        .observe('STOP')
        .pipe(take(1))
        .subscribe(() => inner.push(note(bus.observe('STOP'))));
      emit('STOP');
      const second = emit('STOP');
      expect(inner.map(({ seen }) => seen)).toEqual([[second]]);
      expect(left.seen).toHaveLength(1);
    });

    it('stands in marbles', () => {
      const scheduler = new TestScheduler((actual, expected) => {
        expect(actual).toEqual(expected);
      });
      scheduler.run(({ hot, expectObservable }) => {
        const values = { s: eventOf('STOP'), r: eventOf('RESUME') };
        const bus = new EventBus(hot<Message>('-s-r-s-#', values, new Error('cut')));
        const loss = expect.objectContaining({ name: 'DisconnectedError', cause: new Error('cut') }) as unknown;
        expectObservable(bus.observe('STOP')).toBe(' -s---s-#'.trim(), values, loss);
        expectObservable(bus.observe('STOP'), '  --^---!').toBe('-----s', values, loss);
        expectObservable(bus.observe(), '        --^').toBe('---r-s-#', values, loss);
        expectObservable(bus.events$).toBe('     -s-r-s-|'.trim(), values);
      });
    });
  });

  describe('observe a listener', () => {
    it('registers it with the first subscriber and removes it, drained, after the last (B7)', () => {
      const { bus, emit } = openBus();
      const listener = new EventListener('STOP');
      const stops$ = bus.observe(listener);
      expect(bus.listeners).toEqual([bus.events]);
      const [first, second] = [stops$.subscribe(), bus.observe(listener).subscribe()];
      expect(bus.listeners).toEqual([bus.events, listener]);
      const event = emit('STOP');
      expect(listener.size).toBe(1);
      first.unsubscribe();
      first.unsubscribe();
      expect(bus.listeners).toEqual([bus.events, listener]);
      second.unsubscribe();
      expect(bus.listeners).toEqual([bus.events]);
      expect([listener.size, listener.history]).toEqual([0, [event]]);
      const third = stops$.subscribe();
      expect(bus.listeners).toEqual([bus.events, listener]);
      third.unsubscribe();
    });

    it('shows each subscriber what comes from its subscription on', () => {
      const { bus, emit } = openBus();
      const listener = new EventListener('STOP');
      const first = note(bus.observe(listener));
      const one = emit('STOP');
      const second = note(bus.observe(listener));
      const two = emit('STOP');
      expect([first.seen, second.seen, listener.clear()]).toEqual([[one, two], [two], [one, two]]);
    });

    it('fails if it is registered already, here by hand or elsewhere, and changes nothing (B7)', () => {
      const { bus } = openBus();
      const other = openBus().bus;
      const [mine, theirs, observedThere] = [new EventListener(), new EventListener(), new EventListener()] as const;
      bus.registerListener(mine);
      other.registerListener(theirs);
      other.observe(observedThere).subscribe();
      for (const listener of [mine, theirs, observedThere, bus.events, other.events]) {
        const { seen, end } = note(bus.observe(listener));
        expect([seen, end]).toEqual([[], expect.any(ListenerError)]);
      }
      expect(bus.listeners).toEqual([bus.events, mine]);
      expect(other.listeners).toEqual([other.events, theirs, observedThere]);
    });

    it('completes, and does not fail, when the listener is removed by hand (B4)', () => {
      const { bus } = openBus();
      const listener = new EventListener();
      const noted = [note(bus.observe(listener)), note(bus.observe(listener))];
      bus.removeListener(listener);
      expect(noted.map(({ end }) => end)).toEqual(['completed', 'completed']);
      bus.registerListener(listener);
      expect(bus.listeners).toEqual([bus.events, listener]);
    });

    it('leaves a registration made by hand after the removal alone', () => {
      const { bus } = openBus();
      const listener = new EventListener();
      const subscription = bus.observe(listener).subscribe({
        complete: () => {
          bus.registerListener(listener);
        },
      });
      bus.removeListener(listener);
      subscription.unsubscribe();
      expect(bus.listeners).toEqual([bus.events, listener]);
    });

    it('begins anew with repeat() after a removal by hand, for one or several', () => {
      const { bus, emit } = openBus();
      const listener = new EventListener();
      const again = [1, 2].map(() => note(bus.observe(listener).pipe(repeat(2))));
      bus.removeListener(listener);
      expect(bus.listeners).toEqual([bus.events, listener]);
      const event = emit('STOP');
      expect(again.map(({ seen }) => seen)).toEqual([[event], [event]]);
      bus.close();
      expect(again.map(({ end }) => end)).toEqual(['completed', 'completed']);
    });

    it('follows itself in concat()', () => {
      const { bus, emit } = openBus();
      const listener = new EventListener();
      const noted = note(concat(bus.observe(listener).pipe(take(1)), bus.observe(listener).pipe(take(1))));
      const events = [emit('STOP'), emit('STOP')];
      expect(noted).toEqual({ seen: events, end: 'completed' });
      expect(bus.listeners).toEqual([bus.events]);
    });
  });

  describe.each<[what: string, observe: (bus: EventBus) => Observable<QmpEvent>]>([
    ['names', (bus) => bus.observe(['STOP', 'RESUME'])],
    ['a listener', (bus) => bus.observe(new EventListener(['STOP', 'RESUME']))],
  ])('observe with %s, at the end', (_what, observe) => {
    it('completes after an orderly close, so that last() and toArray() have their say (B8)', async () => {
      for (const end of ['close', 'complete'] as const) {
        const { bus, source, emit } = openBus();
        const outcomes = [
          firstValueFrom(observe(bus).pipe(toArray())),
          lastValueFrom(observe(bus)),
          firstValueFrom(observe(bus).pipe(last())),
        ] as const;
        const none = firstValueFrom(observe(bus).pipe(takeUntil(EMPTY), toArray()));
        const events = [emit('STOP'), emit('RESUME')];
        if (end === 'close') bus.close();
        else source.complete();
        await expect(Promise.all(outcomes)).resolves.toEqual([events, events[1], events[1]]);
        await expect(none).resolves.toEqual(events);
        await expect(firstValueFrom(observe(bus))).rejects.toBeInstanceOf(EmptyError);
      }
    });

    it('errors after a loss, with the cause, for who is there and who comes later (B8)', async () => {
      const { bus, source, emit } = openBus({ name: 'vm1' });
      const all = firstValueFrom(observe(bus).pipe(toArray()));
      const noted = note(observe(bus));
      const event = emit('STOP');
      const cause = new Error('cable cut');
      source.error(cause);
      await expect(all).rejects.toBeInstanceOf(DisconnectedError);
      expect(noted.seen).toEqual([event]);
      expect(noted.end).toMatchObject({ name: 'DisconnectedError', cause });
      expect(note(observe(bus)).end).toMatchObject({ name: 'DisconnectedError', cause });
      expect(bus.listeners).toEqual([bus.events]);
    });

    it('ends with the session, and waits when subscribed between sessions (B8)', () => {
      const bus = new SessionBus();
      const orderly = note(observe(bus));
      bus.endSession();
      const between = note(observe(bus));
      expect([orderly.end, between.end]).toEqual(['completed', 'none']);
      bus.beginSession();
      const event = bus.emit('STOP');
      expect([orderly.seen, between.seen]).toEqual([[], [event]]);
      bus.endSession(new Error('cut'));
      expect(between.end).toMatchObject({ name: 'DisconnectedError', cause: { message: 'cut' } });
      expect(bus.listeners).toEqual([bus.events]);
    });
  });

  describe('observe a listener, by several who retry()', () => {
    it('tells each of the loss once, and all wait for the next session (B8)', () => {
      const bus = new SessionBus();
      const listener = new EventListener('STOP');
      const losses: unknown[] = [];
      const retrying = [1, 2, 3].map(() =>
        note(
          bus.observe(listener).pipe(
            retry({
              delay: (error: unknown) => {
                losses.push(error);
                if (losses.length > 10) throw error;
                return [undefined];
              },
            }),
          ),
        ),
      );
      bus.endSession(new Error('cut'));
      expect(losses).toEqual(Array(3).fill(expect.any(DisconnectedError)));
      bus.beginSession();
      const event = bus.emit('STOP');
      expect(retrying).toEqual(Array(3).fill({ seen: [event], end: 'none' }));
      expect(bus.listeners).toEqual([bus.events, listener]);
    });
  });
});
