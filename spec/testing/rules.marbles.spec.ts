import { map, NEVER, retry, Subject, take, toArray } from 'rxjs';
import { DisconnectedError, EventListener, timeOf, type Message, type QmpEvent } from 'rx-qmp';
import { event, qmpMarbles, type MarbleLetters } from 'rx-qmp/testing';

/** The rules of the bus that are about time and order, each as a diagram. */
const letters = { s: 'STOP', r: 'RESUME', p: 'POWERDOWN', w: 'WAKEUP' } satisfies MarbleLetters;
const names = (events: readonly QmpEvent[]): string => events.map((one) => one.event).join(' ');

describe('the bus in virtual time', () => {
  it('gives an event to history, queue and view, in this order (L2)', () => {
    qmpMarbles(({ bus, expectObservable }) => {
      const vm = bus('               --s--r--|');
      const listener = vm.listener();
      const seen = listener.events$.pipe(map(() => `${listener.history.length}/${listener.size}`));
      expectObservable(seen).toBe('--a--b--|', { a: '1/1', b: '2/2' });
    }, letters);
  });

  it('shows each subscriber of a view what comes while it watches, and takes nothing from the queue (L4)', () => {
    qmpMarbles(({ bus, expectObservable, at }) => {
      const vm = bus('                       --s--r--s--|');
      const listener = vm.listener(['STOP', 'RESUME']);
      expectObservable(listener.events$).toBe('--s--r--s--|');
      expectObservable(listener.events$, '---^------!').toBe('-----r--s--');
      expectObservable(listener.events$, '---------^-').toBe('-----------|');
      at(9, () => {
        expect(listener.size).toBe(3);
      });
    }, letters);
  });

  it('keeps a teardown that throws from the other subscribers (L4)', () => {
    const told: string[] = [];
    const run = (): void => {
      qmpMarbles(({ bus }) => {
        const listener = bus('--s--|').listener();
        listener.events$.subscribe().add(() => {
          throw new Error('on purpose');
        });
        listener.events$.subscribe({
          next: ({ event: name }) => told.push(name),
          complete: () => told.push('complete'),
        });
      }, letters);
    };

    expect(run).toThrow('on purpose');
    expect(told).toEqual(['STOP', 'complete']);
  });

  it('drops the oldest of a full queue, counts it and shows it in the view all the same (L6)', () => {
    qmpMarbles(({ bus, expectObservable, at }) => {
      const vm = bus('                       --s--r--p--|');
      const lag: number[] = [];
      const listener = vm.listener(null, undefined, { queueLimit: 2, onLag: (missed) => lag.push(missed) });
      expectObservable(listener.events$).toBe('--s--r--p--|');
      at(5, () => {
        expect([listener.dropped, lag]).toEqual([0, []]);
      });
      at(8, () => {
        expect([listener.dropped, lag]).toEqual([1, [1]]);
        expect(names(listener.clear())).toBe('RESUME POWERDOWN');
      });
    }, letters);
  });

  it('serves listeners in the order of registration, the built-in first (B1)', () => {
    qmpMarbles(({ bus, at }) => {
      const vm = bus('--s--s-|');
      const order: string[] = [];
      const noting = (name: string) => (): boolean => Boolean(order.push(name));
      vm.events.eventFilter = noting('events');
      const a = new EventListener('STOP', noting('a'));
      const b = new EventListener(null, noting('b'));
      vm.registerListener(a);
      vm.registerListener(b);
      at(2, () => {
        expect(order.splice(0)).toEqual(['events', 'a', 'b']);
        vm.removeListener(a);
        vm.registerListener(a);
      });
      at(5, () => {
        expect(order).toEqual(['events', 'b', 'a']);
      });
    }, letters);
  });

  it('keeps the order of events for every listener (B1)', () => {
    qmpMarbles(({ bus, expectObservable }) => {
      const vm = bus('                                     --(srsp)--|');
      expectObservable(vm.observe(['STOP', 'POWERDOWN'])).toBe('--(ssp)---|');
      expectObservable(vm.observe()).toBe('                     --(srsp)--|');
    }, letters);
  });

  it('lets a listener added during a dispatch hear the next event, one removed nothing more (B2)', () => {
    qmpMarbles(({ bus, at }) => {
      const vm = bus('--s--r--|');
      const late = new EventListener();
      const removed = new EventListener();
      const first = vm.listener(null, () => {
        if (first.history.length > 0) return true;
        vm.registerListener(late);
        vm.removeListener(removed);
        return true;
      });
      vm.registerListener(removed);
      at(2, () => {
        expect([late, removed].map(({ history }) => names(history))).toEqual(['', '']);
      });
      at(5, () => {
        expect([late, removed].map(({ history }) => names(history))).toEqual(['RESUME', '']);
      });
    }, letters);
  });

  it('lets an event emitted during a dispatch wait until all have heard the current one (B2)', () => {
    qmpMarbles(({ bus, at, expectObservable }) => {
      const source = new Subject<Message>();
      const vm = bus(source);
      // The first listener answers from inside; without the rule the second would hear RESUME before STOP.
      vm.listener('STOP', () => {
        source.next(event('RESUME'));
        return true;
      });
      expectObservable(vm.observe()).toBe('--(sr)');
      at(2, () => {
        source.next(event('STOP'));
      });
    }, letters);
  });

  it('registers with the subscription of observe() and removes with its end (B7)', () => {
    qmpMarbles(({ bus, expectObservable, at }) => {
      const vm = bus('                                  --s--s--s--|');
      const stops = vm.observe('STOP');
      expectObservable(stops, '                   ---^-----!').toBe('-----s--s');
      expectObservable(stops.pipe(take(1))).toBe('      --(s|)');
      at(1, () => {
        expect(vm.listeners).toHaveLength(2);
      });
      at(2, () => {
        expect(vm.listeners).toHaveLength(1);
      });
      at(4, () => {
        expect(vm.listeners).toHaveLength(2);
      });
      at(9, () => {
        expect(vm.listeners).toHaveLength(1);
      });
    }, letters);
  });

  it('shares your own listener among its subscribers, and drains it after the last (B7)', () => {
    qmpMarbles(({ bus, expectObservable, at }) => {
      const vm = bus('                            --s--s--s--|');
      const listener = new EventListener('STOP');
      const stops = vm.observe(listener);
      expectObservable(stops, '             -^--!').toBe('--s');
      expectObservable(stops, '             ---^---!').toBe('-----s');
      at(6, () => {
        expect(listener.size).toBe(2);
      });
      at(7, () => {
        expect([listener.size, listener.history.length, vm.listeners.length]).toEqual([0, 2, 1]);
      });
    }, letters);
  });

  it('completes everything when the source completes (B8)', () => {
    qmpMarbles(({ bus, expectObservable }) => {
      const vm = bus('                                        --s--|');
      expectObservable(vm.events$).toBe('                     --s--|');
      expectObservable(vm.listener('STOP').events$).toBe('    --s--|');
      expectObservable(vm.observe('STOP')).toBe('             --s--|');
      expectObservable(vm.observe('STOP').pipe(toArray())).toBe('-----(a|)', { a: [event('STOP')] });
      expectObservable(vm.observe('STOP'), '          -------^').toBe('-------|');
    }, letters);
  });

  it('completes views and fails observe() after a loss, so that retry() tells the truth (B8)', () => {
    qmpMarbles(({ bus, expectObservable, at }) => {
      const vm = bus('                                                     --s--#');
      expectObservable(vm.events$).toBe('                                  --s--|');
      expectObservable(vm.listener('STOP').events$).toBe('                 --s--|');
      expectObservable(vm.observe('STOP')).toBe('                          --s--#', null, DisconnectedError);
      expectObservable(vm.observe('STOP').pipe(toArray())).toBe('          -----#', null, DisconnectedError);
      expectObservable(vm.observe('STOP').pipe(retry({ delay: () => NEVER }))).toBe('--s--');
      const listener = vm.listener('STOP');
      at(6, () => {
        expect(listener.size).toBe(1);
      });
    }, letters);
  });

  it('stamps events with their frame', () => {
    qmpMarbles(({ bus, expectObservable }) => {
      const vm = bus('                                           1500ms s|');
      expectObservable(vm.observe().pipe(map((one) => timeOf(one).getTime()))).toBe('1500ms t|', { t: 1500 });
    }, letters);
  });

  it('closes from inside a dispatch after the dispatch (B2)', () => {
    qmpMarbles(({ bus, expectObservable }) => {
      const vm = bus('--s--r--');
      vm.listener(null, () => {
        vm.close();
        return true;
      });
      expectObservable(vm.observe()).toBe('--(s|)');
    }, letters);
  });
});
