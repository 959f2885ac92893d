import {
  config,
  firstValueFrom,
  from,
  merge,
  of,
  Subject,
  Subscriber,
  switchMap,
  take,
  toArray,
  type Observable,
} from 'rxjs';
import { EventListener, type QmpEvent } from 'rx-qmp';
import { eventOf, openBus, type OpenBus } from '../support/bus-events.js';

/** Collects what an Observable gives. */
function seenBy(events$: Observable<QmpEvent>): QmpEvent[] {
  const seen: QmpEvent[] = [];
  events$.subscribe((event) => {
    seen.push(event);
  });
  return seen;
}

/** Collects what subscribers throw: RxJS reports it from a timer, where it would end the process. */
function unhandledErrors(): unknown[] {
  const errors: unknown[] = [];
  config.onUnhandledError = (error) => errors.push(error);
  return errors;
}

describe.each<[what: string, view: (open: OpenBus, listener: EventListener) => Observable<QmpEvent>]>([
  ['listener.events$', (_open, listener) => listener.events$],
  ['bus.events$', ({ bus }) => bus.events$],
  ['bus.events.events$', ({ bus }) => bus.events.events$],
])('the view %s (L4)', (_what, viewOf) => {
  let open: OpenBus;
  let view: Observable<QmpEvent>;

  beforeEach(() => {
    jest.useFakeTimers();
    open = openBus();
    view = viewOf(open, open.bus.listener());
  });

  afterEach(() => {
    config.onUnhandledError = null;
    jest.useRealTimers();
  });

  it('needs nobody', () => {
    expect(() => open.emit('STOP')).not.toThrow();
  });

  it('shows each of many subscribers every event from its subscription on', () => {
    const first = seenBy(view);
    const stop = open.emit('STOP');
    const late = seenBy(view);
    const resume = open.emit('RESUME');
    expect([first, late]).toEqual([[stop, resume], [resume]]);
  });

  it('takes nothing from the queue', () => {
    const listener = open.bus.listener();
    seenBy(view);
    seenBy(listener.events$);
    const event = open.emit('STOP');
    expect(listener.clear()).toEqual([event]);
    expect(open.bus.events.clear()).toEqual([event]);
  });

  it('lets one subscriber leave, before or inside an event, without the others noticing', () => {
    const first = seenBy(view);
    view.subscribe().unsubscribe();
    const one = seenBy(view.pipe(take(1)));
    const last = seenBy(view);
    const events = [open.emit('STOP'), open.emit('RESUME')];
    expect([first, one, last]).toEqual([events, [events[0]], events]);
  });

  it('serves a subscriber added inside an event from the next on', () => {
    const added: QmpEvent[][] = [];
    view.pipe(take(1)).subscribe(() => added.push(seenBy(view)));
    open.emit('STOP');
    const second = open.emit('STOP');
    expect(added).toEqual([[second]]);
  });

  it('keeps the order for every subscriber when one emits inside an event (B2)', () => {
    view.pipe(take(1)).subscribe(() => {
      open.emit('RESUME');
    });
    const seen = seenBy(view);
    open.emit('STOP');
    expect(seen.map(({ event }) => event)).toEqual(['STOP', 'RESUME']);
  });

  it('serves the others when one throws', () => {
    const errors = unhandledErrors();
    const error = new Error('mine');
    const before = seenBy(view);
    view.subscribe(() => {
      throw error;
    });
    const after = seenBy(view);
    const events = [open.emit('STOP'), open.emit('RESUME')];
    expect([before, after]).toEqual([events, events]);
    jest.runAllTimers();
    expect(errors).toEqual([error, error]);
  });

  it('serves the others when a Subscriber that RxJS does not guard throws', () => {
    // eslint-disable-next-line rxjs-x/no-subclass -- some programs do
    class Unguarded extends Subscriber<QmpEvent> {
      override next(): void {
        throw new Error('mine');
      }
    }
    const errors = unhandledErrors();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- and RxJS still lets them
    view.subscribe(new Unguarded());
    const seen = seenBy(view);
    const events = [open.emit('STOP'), open.emit('RESUME')];
    expect(seen).toEqual(events);
    jest.runAllTimers();
    expect(errors).toHaveLength(2);
  });

  it('serves the others when the finalizer of one throws, in an event or at the end', () => {
    const errors = unhandledErrors();
    let completed = 0;
    const end = (): void => {
      completed += 1;
    };
    const bad = (): void => {
      throw new Error('mine');
    };
    const leaving = view.subscribe(() => {
      leaving.unsubscribe();
    });
    leaving.add(bad);
    view.subscribe({ complete: end }).add(bad);
    const seen = seenBy(view);
    view.subscribe({ complete: end });
    const events = [open.emit('STOP'), open.emit('RESUME')];
    expect(seen).toEqual(events);
    open.bus.close();
    jest.runAllTimers();
    expect(completed).toBe(2);
    expect(errors).toHaveLength(2);
  });

  it('completes when the bus closes, for late subscribers too, and never errors (B8)', () => {
    const ends: string[] = [];
    const note = {
      error: () => ends.push('error'),
      complete: () => ends.push('complete'),
    };
    view.subscribe(note);
    open.source.error(new Error('gone'));
    view.subscribe(note);
    expect(ends).toEqual(['complete', 'complete']);
    expect(() => open.emit('STOP')).not.toThrow();
  });

  it('hides its Subject', () => {
    const hidden = new Set<unknown>();
    for (const shown of [view, view.pipe(), view.pipe(take(1))]) {
      for (let at: unknown = shown; at && !hidden.has(at); at = (at as { source?: unknown }).source) {
        expect(at).not.toBeInstanceOf(Subject);
        expect(at).not.toHaveProperty('next');
        hidden.add(at);
      }
    }
    expect((view as { source?: unknown }).source).toBeUndefined();
  });

  it('is one Observable for ever', () => {
    expect(viewOf(open, open.bus.events)).toBe(viewOf(open, open.bus.events));
  });
});

describe('everything within reach of a bus', () => {
  it('holds no Subject and no way to feed the bus', () => {
    const { bus } = openBus();
    const listener = bus.listener('STOP');
    listener.events$.subscribe();
    const reached = new Set<unknown>();
    const reach = (value: unknown): void => {
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || reached.has(value)) return;
      reached.add(value);
      expect(value).not.toBeInstanceOf(Subject);
      for (const key of Reflect.ownKeys(value)) reach(Reflect.getOwnPropertyDescriptor(value, key)?.value);
    };
    for (const root of [bus, listener, listener.names, bus.observe('STOP'), bus.diagnostics$]) reach(root);
    expect(reached.size).toBeGreaterThan(5);
  });
});

describe('a listener as an ObservableInput (L4)', () => {
  it('is its view for from(), merge() and switchMap(), never its queue', () => {
    const { bus, emit } = openBus();
    const stops = bus.listener('STOP');
    const resumes = bus.listener('RESUME');
    const seen = [seenBy(from(stops)), seenBy(merge(stops, resumes)), seenBy(of(1).pipe(switchMap(() => resumes)))];
    const [stop, resume] = [emit('STOP'), emit('RESUME')];
    expect(seen).toEqual([[stop], [stop, resume], [resume]]);
    expect(stops.clear()).toEqual([stop]);
    expect(resumes.clear()).toEqual([resume]);
  });

  it('is hot: what came before is not shown, and what is unread stays', async () => {
    const listener = new EventListener();
    const unread = eventOf('STOP');
    listener.put(unread);
    const next = firstValueFrom(from(listener));
    const event = eventOf('STOP');
    listener.put(event);
    await expect(next).resolves.toBe(event);
    await expect(listener.get()).resolves.toBe(unread);
  });

  it('completes with its listener', async () => {
    const { bus, emit } = openBus();
    const listener = bus.listener();
    const all = firstValueFrom(from(listener).pipe(toArray()));
    const event = emit('STOP');
    listener.close();
    await expect(all).resolves.toEqual([event]);
  });
});
