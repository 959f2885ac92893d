import { EventListener, type QmpEvent } from 'rx-qmp';
import type { Registration } from '../../src/bus/registration.js';
import { Routes } from '../../src/bus/routes.js';
import { eventOf, openBus } from '../support/bus-events.js';

/** Counts how often a registered listener is asked. Replaced after registration, so that it is no override. */
function countAsked(listeners: readonly EventListener[]): () => number {
  let asked = 0;
  for (const listener of listeners) {
    const put = listener.put.bind(listener);
    listener.put = (event) => {
      asked += 1;
      return put(event);
    };
  }
  return () => {
    const count = asked;
    asked = 0;
    return count;
  };
}

describe('the cost of an event (B9)', () => {
  it('does not touch 10,000 listeners on other names', () => {
    const { bus, emit } = openBus();
    let asked = 0;
    const others = Array.from({ length: 10_000 }, (_, at) => {
      const name = `OTHER_${at}`;
      return bus.listener(name, () => {
        asked += 1;
        return true;
      });
    });
    const count = countAsked(others);
    const listener = bus.listener('STOP');
    emit('STOP');
    expect([count(), asked, listener.size]).toEqual([0, 0, 1]);
    emit('OTHER_5');
    expect([count(), asked, others[5]?.size]).toEqual([1, 1, 1]);
  });

  it('follows the names as they are added, deleted, cleared and assigned', () => {
    const { bus, emit } = openBus();
    const listener = bus.listener('STOP');
    const count = countAsked([listener]);
    const askedAbout = (): string[] =>
      ['STOP', 'RESUME', 'RESET'].filter((name) => {
        emit(name);
        return count() === 1;
      });
    expect(askedAbout()).toEqual(['STOP']);
    listener.names.add('RESUME');
    expect(askedAbout()).toEqual(['STOP', 'RESUME']);
    listener.names.add('RESUME');
    expect(askedAbout()).toEqual(['STOP', 'RESUME']);
    listener.names.delete('STOP');
    listener.names.delete('STOP');
    expect(askedAbout()).toEqual(['RESUME']);
    listener.names.clear();
    expect(askedAbout()).toEqual(['STOP', 'RESUME', 'RESET']);
    listener.names = ['RESET', 'STOP'];
    expect(askedAbout()).toEqual(['STOP', 'RESET']);
    listener.names = null;
    expect(askedAbout()).toEqual(['STOP', 'RESUME', 'RESET']);
    listener.names.add('STOP');
    expect(askedAbout()).toEqual(['STOP']);
    bus.removeListener(listener);
    listener.names = null;
    expect(askedAbout()).toEqual([]);
    bus.registerListener(listener);
    expect(askedAbout()).toEqual(['STOP', 'RESUME', 'RESET']);
  });

  it('asks about every event only a listener whose accept is overridden, whatever its names', () => {
    class Narrow extends EventListener<'STOP'> {
      asked = 0;
      override accept(event: QmpEvent): boolean {
        this.asked += 1;
        return super.accept(event);
      }
    }
    class Plain extends EventListener<'STOP'> {}
    const { bus, emit } = openBus();
    const [narrow, plain] = [new Narrow('STOP'), new Plain('STOP')] as const;
    bus.listen(narrow, plain);
    const count = countAsked([plain]);
    for (const name of ['STOP', 'RESUME', 'RESET']) emit(name);
    narrow.names.add('RESUME');
    narrow.names.delete('STOP');
    for (const name of ['STOP', 'RESUME', 'RESET']) emit(name);
    expect([narrow.asked, count()]).toEqual([6, 2]);
    expect(narrow.history.map(({ event }) => event)).toEqual(['STOP', 'RESUME']);
    bus.removeListener(narrow);
    emit('STOP');
    expect(narrow.asked).toBe(6);
  });

  it('is not confused by an accept that is replaced after the registration', () => {
    const { bus, emit } = openBus();
    const listener = bus.listener('STOP');
    const spy = jest.spyOn(listener, 'accept');
    emit('STOP');
    emit('RESUME');
    expect(spy).toHaveBeenCalledTimes(1);
    listener.names.add('RESUME');
    emit('RESUME');
    expect(spy).toHaveBeenCalledTimes(2);
    listener.close();
    emit('STOP');
    expect(spy).toHaveBeenCalledTimes(2);
  });

  it('asks the filter once per event', () => {
    const { bus, emit } = openBus();
    const filter = jest.fn(() => true);
    bus.listener(['STOP', 'RESUME'], filter);
    emit('STOP');
    emit('RESET');
    expect(filter).toHaveBeenCalledTimes(1);
  });
});

describe('Routes', () => {
  const at = (order: number): Registration => ({ order }) as Partial<Registration> as Registration;
  const served = (routes: Routes, name: string): number[] => routes.lend(name).map(({ order }) => order);

  it('merges those of one name with those of every name, in order', () => {
    const routes = new Routes();
    for (const order of [4, 0, 2]) routes.add('STOP', at(order));
    for (const order of [5, 1, 3]) routes.add(null, at(order));
    routes.add('RESUME', at(6));
    expect(served(routes, 'STOP')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(served(routes, 'RESUME')).toEqual([1, 3, 5, 6]);
    expect(served(routes, 'RESET')).toEqual([1, 3, 5]);
  });

  it('lends a list that does not change', () => {
    for (const everything of [false, true]) {
      const routes = new Routes();
      const [a, b] = [at(0), at(1)];
      routes.add('STOP', a);
      if (everything) routes.add(null, b);
      const lent = routes.lend('STOP');
      const before = [...lent];
      routes.remove('STOP', a);
      routes.remove(null, b);
      routes.add('STOP', at(10));
      routes.add(null, at(11));
      expect(lent).toEqual(before);
      expect(served(routes, 'STOP')).toEqual([10, 11]);
    }
  });

  it('removes only what it holds, and takes it back', () => {
    const routes = new Routes();
    const [a, b] = [at(0), at(1)];
    routes.add('STOP', a);
    routes.remove('STOP', b);
    routes.remove('RESUME', a);
    routes.remove(null, a);
    expect(served(routes, 'STOP')).toEqual([0]);
    routes.remove('STOP', a);
    routes.remove('STOP', a);
    expect(served(routes, 'STOP')).toEqual([]);
    routes.add('STOP', a);
    expect(served(routes, 'STOP')).toEqual([0]);
  });

  it('works on through thousands of names that come and go', () => {
    const routes = new Routes();
    const wrong: number[] = [];
    const staying = Array.from({ length: 3_000 }, (_, order) => at(order));
    for (const listener of staying) routes.add(`NAME_${listener.order}`, listener);
    for (let turn = 0; turn < 5_000; turn += 1) {
      const passing = at(10_000 + turn);
      routes.add(`PASSING_${turn}`, passing);
      if (served(routes, `PASSING_${turn}`).join() !== `${passing.order}`) wrong.push(passing.order);
      routes.remove(`PASSING_${turn}`, passing);
    }
    for (const { order } of staying) if (served(routes, `NAME_${order}`).join() !== `${order}`) wrong.push(order);
    expect(wrong).toEqual([]);
    for (const listener of staying) routes.remove(`NAME_${listener.order}`, listener);
    expect(served(routes, 'NAME_7')).toEqual([]);
    routes.add('NAME_7', at(7));
    expect(served(routes, 'NAME_7')).toEqual([7]);
  });

  it('finds nobody for names that a server made up', () => {
    const { bus, source } = openBus();
    const listener = bus.listener('STOP');
    for (let turn = 0; turn < 5_000; turn += 1) source.next(eventOf(`MADE_UP_${turn}`));
    source.next(eventOf('__proto__'));
    source.next(eventOf('constructor'));
    expect(listener.size).toBe(0);
    expect(bus.events.size).toBe(1_000);
  });
});
