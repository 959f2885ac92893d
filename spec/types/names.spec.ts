/* eslint-disable rxjs-x/no-floating-observables -- nothing here runs */
import type { Observable } from 'rxjs';
import {
  EventListener,
  ofEvent,
  type EventBus,
  type EventFilter,
  type EventName,
  type EventNames,
  type QmpClient,
  type QmpEvent,
  type ScopedListener,
} from 'rx-qmp';
import { compiles, expectType } from '../support/expect-type.js';

describe('a name', () => {
  it('may be a template, which is no literal', () => {
    compiles(async (bus: EventBus, client: QmpClient, n: number, text: string, port: 1 | 2) => {
      expectType<unknown>()(await client.execute(`x-${n}`));
      expectType<unknown>()(await client.execute(`x-${text}`, { any: 'thing' }, { timeout: 5 }));
      client.execute$(`x-${n}`);
      expectType<Observable<QmpEvent<`X_${number}`>>>()(bus.observe(`X_${n}`));
      expectType<ScopedListener<`X_${string}`>>()(bus.listener(`X_${text}`));
      expectType<Observable<QmpEvent<'STOP' | `X_${number}`>>>()(bus.observe(['STOP', `X_${n}`]));
      new EventListener(`X_${n}`);
      new EventListener(['STOP', `X_${text}`]);
      ofEvent('STOP', `X_${n}`);
      // @ts-expect-error -- two literals, and neither is listed
      await client.execute(`x-${port}`);
      // @ts-expect-error -- two literals, and neither is listed
      bus.observe(`X_${port}`);
      // @ts-expect-error -- a typo beside a template
      bus.observe(['STPO', `X_${n}`]);
    });
  });

  it('may be whatever a wrapper takes and hands on', () => {
    compiles((bus: EventBus, names: EventNames, list: EventName | readonly EventName[], open: string | string[]) => {
      const observe = (names?: EventNames, filter?: EventFilter): Observable<QmpEvent> => bus.observe(names, filter);
      const listen = (names?: EventNames, filter?: EventFilter): ScopedListener => bus.listener(names, filter);
      expectType<Observable<QmpEvent>>()(bus.observe(names));
      expectType<ScopedListener<string>>()(bus.listener(names));
      new EventListener(names);
      expectType<Observable<QmpEvent>>()(bus.observe(list));
      expectType<Observable<QmpEvent>>()(bus.observe(open, (event) => event.event === 'STOP'));
      return [observe, listen];
    });
  });

  it('may come from any iterator', () => {
    compiles((bus: EventBus, byName: Map<'STOP' | 'RESUME', number>, names: () => Generator<string>) => {
      expectType<Observable<QmpEvent<'STOP' | 'RESUME'>>>()(bus.observe(byName.keys()));
      expectType<ScopedListener<string>>()(bus.listener(names()));
      // @ts-expect-error -- a literal that is not listed, in an iterator
      bus.observe(new Map([['STPO', 1]] as const).keys());
    });
  });

  it('may be generic, and is still refused where a wrapper is used', () => {
    const observe = <N extends EventName>(bus: EventBus, name: N, filter: EventFilter<N>): Observable<QmpEvent<N>> =>
      bus.observe(name, filter);
    const listen = <N extends EventName>(bus: EventBus, names: readonly N[]): ScopedListener<N> => bus.listener(names);
    const create = <N extends EventName>(name: N, filter?: EventFilter<N>) => new EventListener(name, filter);
    const select = <N extends EventName>(...names: readonly N[]) => ofEvent(...names);
    compiles((bus: EventBus) => {
      expectType<EventListener<'STOP'>>()(create('STOP'));
      expectType<ScopedListener<'STOP' | 'RESUME'>>()(listen(bus, ['STOP', 'RESUME']));
      observe(bus, 'JOB_STATUS_CHANGE', (event) => event.data.id === 'job0');
      select('STOP');
      // @ts-expect-error -- not a name
      select('STPO');
    });
  });

  it('of type string goes with a filter for every event', () => {
    compiles((bus: EventBus, name: string, names: readonly string[], filter: EventFilter) => {
      bus.observe(name, filter);
      bus.listener(names, filter);
    });
  });
});
