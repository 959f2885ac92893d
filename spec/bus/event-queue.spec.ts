import { getEventListeners } from 'node:events';
import { DisconnectedError, EventListener, EventTimeoutError, LagError, ListenerError, type QmpEvent } from 'rx-qmp';
import { eventOf, openBus, settled } from '../support/bus-events.js';

function filled(
  count: number,
  options?: ConstructorParameters<typeof EventListener>[2],
): {
  listener: EventListener;
  events: QmpEvent[];
} {
  const listener = new EventListener(null, undefined, options);
  const events = Array.from({ length: count }, () => eventOf('STOP'));
  for (const event of events) listener.put(event);
  return { listener, events };
}

describe('reading a listener', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  describe('get', () => {
    it('gives the oldest event or waits for the next (row 10)', async () => {
      const { listener, events } = filled(2);
      await expect(listener.get()).resolves.toBe(events[0]);
      await expect(listener.get()).resolves.toBe(events[1]);
      const reading = listener.get();
      await expect(settled(reading)).resolves.toBe('waiting');
      const event = eventOf('STOP');
      listener.put(event);
      await expect(reading).resolves.toBe(event);
    });

    it('serves several readers in order, each event once, iteration among them (L3, row 12)', async () => {
      const { listener } = filled(0);
      const iterator = listener.iterate();
      const reading = [listener.get(), iterator.next(), listener.get()];
      const events = [eventOf('STOP'), eventOf('STOP'), eventOf('STOP'), eventOf('STOP')];
      for (const event of events) listener.put(event);
      await expect(Promise.all(reading)).resolves.toEqual([events[0], { done: false, value: events[1] }, events[2]]);
      expect(listener.clear()).toEqual([events[3]]);
    });

    it('rejects with the reason of a signal that has aborted, and takes nothing (L3, row 11)', async () => {
      const { listener, events } = filled(1);
      const reason = new Error('changed my mind');
      await expect(listener.get({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      await expect(listener.get()).resolves.toBe(events[0]);
    });

    it('rejects with the reason of a signal that aborts while it waits; the event goes to the next (L3, row 11)', async () => {
      const { listener } = filled(0);
      const controller = new AbortController();
      const aborted = listener.get({ signal: controller.signal });
      const next = listener.get();
      controller.abort('any reason');
      const event = eventOf('STOP');
      listener.put(event);
      await expect(aborted).rejects.toBe('any reason');
      await expect(next).resolves.toBe(event);
    });

    it.each(['abort first', 'event first'])(
      'loses nothing when abort and event race: %s (L3, row 11)',
      async (first) => {
        const { listener } = filled(0);
        const controller = new AbortController();
        const reading = listener.get({ signal: controller.signal });
        const event = eventOf('STOP');
        if (first === 'abort first') controller.abort();
        listener.put(event);
        controller.abort();
        const outcome = await settled(reading);
        if (first === 'abort first') {
          expect(outcome).toMatchObject({ error: { name: 'AbortError' } });
          expect(listener.clear()).toEqual([event]);
        } else {
          expect(outcome).toEqual({ value: event });
          expect(listener.empty()).toBe(true);
        }
      },
    );

    it('gives up after its timeout and says what it waited for (L3)', async () => {
      jest.useFakeTimers();
      const { bus, emit } = openBus({ name: 'vm7' });
      const listener = bus.listener(['STOP', 'RESUME'], () => true);
      const earlier = listener.get();
      const reading = listener.get({ timeout: 250 });
      emit('STOP');
      await earlier;
      jest.advanceTimersByTime(249);
      await expect(settled(reading)).resolves.toBe('waiting');
      jest.advanceTimersByTime(1);
      const error: unknown = await reading.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(EventTimeoutError);
      expect(error).toMatchObject({ name: 'EventTimeoutError', timeout: 250 });
      expect(String(error)).toMatch(/vm7.*STOP, RESUME, filtered.*250 ms.*1 accepted meanwhile/);
      const event = emit('RESUME');
      expect(listener.clear()).toEqual([event]);
    });

    it.each(['timeout first', 'event first'])('loses nothing when timeout and event race: %s (L3)', async (first) => {
      jest.useFakeTimers();
      const { listener } = filled(0);
      const reading = listener.get({ timeout: 10 });
      const event = eventOf('STOP');
      if (first === 'timeout first') jest.advanceTimersByTime(10);
      listener.put(event);
      jest.advanceTimersByTime(10);
      const outcome = await settled(reading);
      if (first === 'timeout first') {
        expect(outcome).toMatchObject({ error: { name: 'EventTimeoutError' } });
        expect(listener.clear()).toEqual([event]);
      } else {
        expect(outcome).toEqual({ value: event });
        expect(listener.empty()).toBe(true);
      }
      expect(jest.getTimerCount()).toBe(0);
    });

    it('takes an unread event with timeout 0, and gives up at once without one (L3)', async () => {
      jest.useFakeTimers();
      const { listener, events } = filled(1);
      await expect(listener.get({ timeout: 0 })).resolves.toBe(events[0]);
      const reading = listener.get({ timeout: 0 });
      jest.advanceTimersByTime(0);
      await expect(reading).rejects.toBeInstanceOf(EventTimeoutError);
    });

    it('leaves no timer behind, however it settles', async () => {
      jest.useFakeTimers();
      const { bus, emit } = openBus();
      const listener = bus.listener();
      const controller = new AbortController();
      const outcomes = [
        listener.get({ timeout: 1_000 }),
        listener.get({ timeout: 1_000, signal: controller.signal }),
        listener.get({ timeout: 1_000 }),
      ].map(settled);
      emit('STOP');
      controller.abort();
      listener.close();
      await Promise.all(outcomes);
      expect(jest.getTimerCount()).toBe(0);
    });

    it.each([
      [-1, RangeError],
      [NaN, RangeError],
      [2 ** 31, RangeError],
      ['5', TypeError],
      [null, TypeError],
    ])('refuses timeout: %p', (timeout, kind) => {
      const { listener, events } = filled(1);
      expect(() => listener.get({ timeout: timeout as number })).toThrow(kind);
      expect(() => listener.get({ timeout: timeout as number })).toThrow(/timeout/);
      expect(listener.clear()).toEqual(events);
    });

    it('waits without limit with timeout Infinity', async () => {
      jest.useFakeTimers();
      const { listener } = filled(0);
      const reading = listener.get({ timeout: Infinity });
      expect(jest.getTimerCount()).toBe(0);
      const event = eventOf('STOP');
      listener.put(event);
      await expect(reading).resolves.toBe(event);
    });

    it('lets one signal serve any number of waits (small print)', async () => {
      const { bus, emit } = openBus();
      const listener = bus.listener();
      const { signal } = new AbortController();
      for (let turn = 0; turn < 300; turn += 1) {
        const reading = listener.get({ signal });
        emit('STOP');
        await reading;
      }
      expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
      const controller = new AbortController();
      const outcomes = Array.from({ length: 300 }, () => settled(listener.get({ signal: controller.signal })));
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
      controller.abort('all of you');
      for (const outcome of await Promise.all(outcomes)) expect(outcome).toEqual({ error: 'all of you' });
    });

    it('bounds the number of waiting readers', async () => {
      const { listener } = filled(0);
      const reading = Array.from({ length: 10_000 }, () => listener.get());
      await expect(listener.get()).rejects.toBeInstanceOf(ListenerError);
      const event = eventOf('STOP');
      listener.put(event);
      await expect(reading[0]).resolves.toBe(event);
    });

    // Jest fails a test that leaves a rejection unhandled.
    it('cannot kill a process when nobody awaits it and its listener is removed or its bus closes (L9)', async () => {
      const removed = openBus();
      const listener = removed.bus.listener();
      void listener.get();
      void listener.iterate().next();
      listener.close();
      void listener.get();
      const lost = openBus();
      void lost.bus.events.get();
      void lost.bus.events.iterate().next();
      lost.source.error(new Error('gone'));
      void lost.bus.events.get();
      void lost.bus.events.iterate().next();
      const closed = openBus();
      void closed.bus.events.get();
      closed.bus.close();
      void closed.bus.events.get();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      await expect(listener.get()).rejects.toBeInstanceOf(ListenerError);
      await expect(lost.bus.events.get()).rejects.toBeInstanceOf(DisconnectedError);
    });
  });

  describe('iterate', () => {
    it('can be left and taken up again (L3, row 13)', async () => {
      const { listener, events } = filled(3);
      const read: QmpEvent[] = [];
      for await (const event of listener) {
        read.push(event);
        break;
      }
      for await (const event of listener.iterate()) {
        read.push(event);
        if (read.length === 3) break;
      }
      expect(read).toEqual(events);
      expect(listener.put(eventOf('STOP'))).toBe(true);
    });

    it('settles a waiting next() by return(), and closes nothing (L3)', async () => {
      const { listener } = filled(0);
      const left = listener.iterate();
      const other = listener.iterate();
      const waiting = [left.next(), left.next(), other.next()] as const;
      await expect(left.return?.()).resolves.toEqual({ done: true, value: undefined });
      await expect(waiting[0]).resolves.toEqual({ done: true, value: undefined });
      await expect(waiting[1]).resolves.toEqual({ done: true, value: undefined });
      const event = eventOf('STOP');
      listener.put(event);
      await expect(waiting[2]).resolves.toEqual({ done: false, value: event });
      listener.put(event);
      await expect(left.next()).resolves.toEqual({ done: true, value: undefined });
      expect(listener.size).toBe(1);
    });

    it('answers overlapping calls of next() in order', async () => {
      const { listener } = filled(0);
      const iterator = listener.iterate();
      const waiting = [iterator.next(), iterator.next()];
      const events = [eventOf('STOP'), eventOf('RESUME')];
      for (const event of events) listener.put(event);
      expect((await Promise.all(waiting)).map(({ value }) => value as unknown)).toEqual(events);
    });

    it('rejects with the reason of its signal, waiting or not, and loses nothing (L3, row 14)', async () => {
      const { listener } = filled(0);
      const controller = new AbortController();
      const iterator = listener.iterate({ signal: controller.signal });
      const waiting = iterator.next();
      controller.abort('enough');
      await expect(waiting).rejects.toBe('enough');
      const event = eventOf('STOP');
      listener.put(event);
      await expect(iterator.next()).rejects.toBe('enough');
      expect(listener.clear()).toEqual([event]);
    });

    it('ends for the built-in listener by its signal (row 14)', async () => {
      const { bus, emit } = openBus();
      const controller = new AbortController();
      emit('STOP');
      const loop = async (): Promise<void> => {
        for await (const event of bus.events.iterate({ signal: controller.signal })) {
          controller.abort(`read ${event.event}`);
        }
      };
      await expect(loop()).rejects.toBe('read STOP');
    });
  });

  describe('a full queue', () => {
    it('drops its oldest events, counts them and tells the reader once (L6, row 10)', async () => {
      const { listener, events } = filled(10, { queueLimit: 4 });
      expect([listener.size, listener.dropped]).toEqual([4, 6]);
      const error: unknown = await listener.get().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LagError);
      expect(error).toMatchObject({ name: 'LagError', missed: 6 });
      expect(String(error)).toMatch(/6 unread events.*queueLimit/);
      for (const event of events.slice(6)) await expect(listener.get()).resolves.toBe(event);
      expect([listener.size, listener.dropped]).toEqual([0, 6]);
    });

    it('tells of each lag anew, with the number since the last read (L6)', async () => {
      const { listener } = filled(5, { queueLimit: 4 });
      await expect(listener.get()).rejects.toMatchObject({ missed: 1 });
      listener.put(eventOf('STOP'));
      listener.put(eventOf('STOP'));
      await expect(listener.get()).rejects.toMatchObject({ missed: 2 });
      await listener.get();
      listener.put(eventOf('STOP'));
      await expect(listener.get()).resolves.toBeDefined();
      expect(listener.dropped).toBe(3);
    });

    it('drops nothing at exactly the limit (L6)', async () => {
      const { listener, events } = filled(4, { queueLimit: 4 });
      await expect(listener.get()).resolves.toBe(events[0]);
      expect(listener.dropped).toBe(0);
    });

    it('tells an iteration, which can then be continued (L6)', async () => {
      const { listener, events } = filled(3, { queueLimit: 2 });
      const iterator = listener.iterate();
      await expect(iterator.next()).rejects.toMatchObject({ missed: 1 });
      await expect(iterator.next()).resolves.toEqual({ done: false, value: events[1] });
    });

    it('keeps the notice for the next read when this one has aborted (L6)', async () => {
      const { listener } = filled(3, { queueLimit: 2 });
      await expect(listener.get({ signal: AbortSignal.abort('no') })).rejects.toBe('no');
      await expect(listener.get()).rejects.toMatchObject({ missed: 1 });
    });

    it('forgets the notice on clear(), not the count (L5)', async () => {
      const { listener } = filled(3, { queueLimit: 2 });
      expect(listener.clear()).toHaveLength(2);
      expect(listener.dropped).toBe(1);
      const event = eventOf('STOP');
      listener.put(event);
      await expect(listener.get()).resolves.toBe(event);
    });

    it('calls onLag once per dropped event, with 1, and then never rejects (L6, small print)', async () => {
      const onLag = jest.fn();
      const { listener, events } = filled(5, { queueLimit: 2, onLag });
      expect(onLag.mock.calls).toEqual([[1], [1], [1]]);
      expect(listener.dropped).toBe(3);
      await expect(listener.get()).resolves.toBe(events[3]);
    });

    it('still tells before the end of its bus (L6, L9)', async () => {
      const { bus, emit } = openBus();
      const listener = bus.listener(null, undefined, { queueLimit: 1 });
      emit('STOP');
      const kept = emit('STOP');
      bus.close();
      await expect(listener.get()).rejects.toBeInstanceOf(LagError);
      await expect(listener.get()).resolves.toBe(kept);
      await expect(listener.get()).rejects.toBeInstanceOf(DisconnectedError);
    });

    it('is a window without a word for the built-in listener (L6)', async () => {
      const { bus, emit } = openBus();
      const events = Array.from({ length: 1_005 }, () => emit('STOP'));
      expect([bus.events.size, bus.events.dropped, bus.events.history.length]).toEqual([1_000, 5, 1_000]);
      await expect(bus.events.get()).resolves.toBe(events[5]);
      const small = openBus({ events: { queueLimit: 1, historyLimit: 2 } });
      for (let event = 0; event < 3; event += 1) small.emit('STOP');
      await expect(small.bus.events.get()).resolves.toMatchObject({ event: 'STOP' });
      expect([small.bus.events.dropped, small.bus.events.history.length]).toEqual([2, 2]);
    });

    it('is none at all with queueLimit 0: reads wait for the next event, the view sees all (L6)', async () => {
      const listener = new EventListener(null, undefined, { queueLimit: 0 });
      const seen: QmpEvent[] = [];
      listener.events$.subscribe((event) => {
        seen.push(event);
      });
      listener.put(eventOf('STOP'));
      expect([listener.size, listener.dropped, seen.length]).toEqual([0, 0, 1]);
      const reading = listener.get();
      const event = eventOf('STOP');
      listener.put(event);
      await expect(reading).resolves.toBe(event);
    });

    it('never is one with queueLimit Infinity; the default is 10,000 (L6)', () => {
      expect(filled(20_000, { queueLimit: Infinity }).listener.size).toBe(20_000);
      const { listener } = filled(10_001);
      expect([listener.size, listener.dropped]).toEqual([10_000, 1]);
    });

    it('does not make the view lag (L6)', () => {
      const listener = new EventListener(null, undefined, { queueLimit: 1 });
      const seen: QmpEvent[] = [];
      listener.events$.subscribe((event) => {
        seen.push(event);
      });
      const events = Array.from({ length: 50 }, () => eventOf('STOP'));
      for (const event of events) listener.put(event);
      expect(seen).toEqual(events);
    });
  });
});
