import { Subscription } from 'rxjs';
import { EventListener, ListenerError } from 'rx-qmp';
import { eventOf, openBus } from '../support/bus-events.js';

describe('EventBus', () => {
  describe('listen', () => {
    it('registers its listeners in order and removes them, drained, on close (B6, rows 29, 30)', () => {
      const { bus, emit } = openBus();
      const [a, b] = [new EventListener('STOP'), new EventListener()] as const;
      const scope = bus.listen(a, b);
      expect(bus.listeners).toEqual([bus.events, a, b]);
      const event = emit('STOP');
      scope.close();
      expect(bus.listeners).toEqual([bus.events]);
      for (const listener of [a, b]) {
        expect(listener.empty()).toBe(true);
        expect(listener.history).toEqual([event]);
      }
    });

    it('is left by `using`, by unsubscribe() and as part of a Subscription alike (B6)', () => {
      const { bus } = openBus();
      const listener = new EventListener();
      const scope = bus.listen(listener);
      scope[Symbol.dispose]();
      expect(bus.listeners).toEqual([bus.events]);
      bus.listen(listener).unsubscribe();
      expect(bus.listeners).toEqual([bus.events]);
      const subscription = new Subscription();
      subscription.add(bus.listen(listener));
      subscription.unsubscribe();
      expect(bus.listeners).toEqual([bus.events]);
    });

    it('is left by an exception (B6, row 29)', () => {
      const { bus, emit } = openBus();
      const listener = new EventListener();
      const block = (): void => {
        using scope = bus.listen(listener);
        emit('STOP');
        expect(scope).toBeDefined();
        throw new Error('mine');
      };
      expect(block).toThrow('mine');
      expect(bus.listeners).toEqual([bus.events]);
      expect(listener.history).toHaveLength(1);
    });

    it('may be left twice; a later registration stays (B6)', () => {
      const { bus } = openBus();
      const listener = new EventListener();
      const scope = bus.listen(listener);
      scope.close();
      scope.close();
      bus.registerListener(listener);
      scope.close();
      scope.unsubscribe();
      expect(bus.listeners).toEqual([bus.events, listener]);
    });

    it('registers none when one is listed twice (B6, row 31)', () => {
      const { bus } = openBus();
      const [a, b] = [new EventListener(), new EventListener()] as const;
      expect(() => bus.listen(a, b, a)).toThrow(ListenerError);
      expect(bus.listeners).toEqual([bus.events]);
      bus.listen(a, b);
    });

    it('registers none when one is registered already, and leaves that one alone (B6, row 32)', () => {
      for (const where of ['here', 'elsewhere']) {
        const { bus, emit } = openBus();
        const home = where === 'here' ? bus : openBus().bus;
        const [a, b, c] = [new EventListener(), new EventListener(), new EventListener()] as const;
        home.registerListener(b);
        const unread = eventOf('STOP');
        b.put(unread);
        const listeners = bus.listeners;
        expect(() => bus.listen(a, b, c)).toThrow(ListenerError);
        expect(bus.listeners).toEqual(listeners);
        emit('STOP');
        expect([a.size, c.size]).toEqual([0, 0]);
        expect(home.listeners).toContain(b);
        expect(b.clear()[0]).toBe(unread);
      }
    });

    it('refuses the built-in listener', () => {
      const { bus } = openBus();
      const listener = new EventListener();
      expect(() => bus.listen(listener, bus.events)).toThrow(ListenerError);
      expect(bus.listeners).toEqual([bus.events]);
    });

    it('keeps the outer scope when an inner one fails (B6, row 33)', () => {
      const { bus, emit } = openBus();
      const listener = new EventListener();
      const outer = bus.listen(listener);
      expect(() => bus.listen(listener)).toThrow(ListenerError);
      const event = emit('STOP');
      expect(listener.clear()).toEqual([event]);
      outer.close();
      expect(bus.listeners).toEqual([bus.events]);
    });

    it('removes on exit what is still there, quietly (B6, row 34)', () => {
      const { bus } = openBus();
      const other = openBus().bus;
      const [a, b, c, d] = [
        new EventListener(),
        new EventListener(),
        new EventListener(),
        new EventListener(),
      ] as const;
      const scope = bus.listen(a, b, c, d);
      bus.removeListener(a);
      bus.removeListener(c);
      bus.registerListener(c);
      bus.removeListener(d);
      other.registerListener(d);
      scope.close();
      expect(bus.listeners).toEqual([bus.events, c]);
      expect(other.listeners).toEqual([other.events, d]);
    });

    it('does nothing with none (row 35)', () => {
      const { bus } = openBus();
      const scope = bus.listen();
      expect(bus.listeners).toEqual([bus.events]);
      scope.close();
    });

    it('is left inside a dispatch: who comes after hears nothing of that event (B2)', () => {
      const { bus, emit } = openBus();
      const [a, b] = [new EventListener(), new EventListener()] as const;
      const scope = bus.listen(a, b);
      a.events$.subscribe(() => {
        scope.close();
      });
      emit('STOP');
      expect([a.history.length, b.history.length]).toEqual([1, 0]);
    });

    it('may be left after the bus has closed', () => {
      const { bus } = openBus();
      const listener = new EventListener();
      const scope = bus.listen(listener);
      bus.close();
      scope.close();
      expect(bus.listeners).toEqual([bus.events]);
    });
  });

  describe('listener', () => {
    it('is created and registered; leaving it removes and drains it, its history stays (B6, row 29)', async () => {
      const { bus, emit } = openBus();
      const listener = bus.listener('STOP', (event) => event.timestamp.seconds > 0, { queueLimit: 2, historyLimit: 1 });
      expect(bus.listeners).toEqual([bus.events, listener]);
      emit('RESUME');
      const events = [emit('STOP'), emit('STOP'), emit('STOP')];
      await expect(listener.get()).rejects.toMatchObject({ missed: 1 });
      await expect(listener.get()).resolves.toBe(events[1]);
      listener.close();
      listener.close();
      expect(bus.listeners).toEqual([bus.events]);
      expect(listener.empty()).toBe(true);
      expect(listener.history).toEqual([events[2]]);
    });

    it('is left by `using`, also by an exception', () => {
      const { bus } = openBus();
      const block = (): void => {
        using listener = bus.listener();
        expect(bus.listeners).toContain(listener);
        throw new Error('mine');
      };
      expect(block).toThrow('mine');
      expect(bus.listeners).toEqual([bus.events]);
    });

    it('hears everything without names', () => {
      const { bus, emit } = openBus();
      const listeners = [bus.listener(), bus.listener(null), bus.listener([])];
      const event = emit('A_NEWER_EVENT');
      for (const listener of listeners) expect(listener.clear()).toEqual([event]);
    });

    it('may be removed by removeListener as well', () => {
      const { bus, emit } = openBus();
      const listener = bus.listener('STOP');
      const event = emit('STOP');
      expect(bus.removeListener(listener)).toEqual([event]);
      listener.close();
      bus.registerListener(listener);
      listener.close();
      expect(bus.listeners).toEqual([bus.events, listener]);
    });
  });
});
