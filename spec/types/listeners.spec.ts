/* eslint-disable rxjs-x/no-floating-observables, @typescript-eslint/no-meaningless-void-operator, @typescript-eslint/no-unsafe-enum-comparison,
   @typescript-eslint/no-unnecessary-type-arguments, @typescript-eslint/no-unsafe-call -- nothing here runs, and much of it is wrong on purpose */
import { firstValueFrom, from, type Observable } from 'rxjs';
import {
  EventListener,
  JobListener,
  ofEvent,
  type EventBus,
  type EventFilter,
  type EventMap,
  type EventName,
  type Message,
  type QmpEvent,
  type ScopedListener,
} from 'rx-qmp';
import { compile } from '../generate/compile.js';
import { compiles, expectType } from '../support/expect-type.js';

type Stop = QmpEvent<'STOP'>;
type Job = QmpEvent<'JOB_STATUS_CHANGE'>;
type JobEventName = 'JOB_STATUS_CHANGE' | `BLOCK_JOB_${'COMPLETED' | 'CANCELLED' | 'ERROR' | 'READY' | 'PENDING'}`;

describe('the type of', () => {
  describe('an event', () => {
    it('has the data that the map says, and no other', () => {
      compiles((stop: Stop, job: Job, deleted: QmpEvent<'DEVICE_DELETED'>) => {
        expectType<'STOP'>()(stop.event);
        expectType<undefined>()(stop.data);
        expectType<EventMap['JOB_STATUS_CHANGE']>()(job.data);
        expectType<string>()(job.data.id);
        expectType<string | undefined>()(deleted.data.device);
        expectType<number>()(stop.timestamp.microseconds);
        // @ts-expect-error -- a name with a typo
        void job.data.ident;
      });
    });

    it('has unknown data for a name that is not listed', () => {
      compiles((open: QmpEvent<'X_VENDOR'>, mixed: QmpEvent<'X_VENDOR' | 'STOP'>) => {
        expectType<unknown>()(open.data);
        expectType<'X_VENDOR'>()(open.event);
        expectType<'X_VENDOR' | 'STOP'>()(mixed.event);
      });
    });

    it('narrows by ===', () => {
      compiles((event: QmpEvent) => {
        if (event.event === 'JOB_STATUS_CHANGE') {
          expectType<EventMap['JOB_STATUS_CHANGE']>()(event.data);
        } else if (event.event === 'STOP' || event.event === 'RESUME') {
          expectType<undefined>()(event.data);
        } else {
          // @ts-expect-error -- it cannot be STOP any more
          void (event.event === 'STOP');
        }
        // @ts-expect-error -- a typo would never be true
        void (event.event === 'JOB_STATUS_CHANGED');
      });
    });

    it('narrows by switch, with the unlisted ones in its default', () => {
      compiles((event: QmpEvent): string => {
        switch (event.event) {
          case 'SHUTDOWN':
            expectType<boolean>()(event.data.guest);
            return event.data.reason;
          case 'BLOCK_JOB_READY':
          case 'JOB_STATUS_CHANGE':
            return JSON.stringify(event.data);
          // @ts-expect-error -- a name with a typo
          case 'SHUT_DOWN':
            return '';
          default: {
            const name: string = event.event;
            return name;
          }
        }
      });
    });

    it('is the union that narrows for no name, for all names and for a string', () => {
      compiles((a: QmpEvent, b: QmpEvent<EventName>, c: QmpEvent<string>) => {
        expectType<QmpEvent>()(b);
        expectType<QmpEvent>()(c);
        return a;
      });
    });

    it('is deeply readonly', () => {
      compiles((event: QmpEvent, job: Job, ost: QmpEvent<'ACPI_DEVICE_OST'>, bus: EventBus) => {
        // @ts-expect-error -- one object serves all
        event.event = 'STOP';
        // @ts-expect-error -- one object serves all
        event.timestamp.seconds = 1;
        // @ts-expect-error -- one object serves all
        job.data.id = '';
        // @ts-expect-error -- one object serves all
        ost.data.info.slot = '';
        // @ts-expect-error -- the history never changes
        bus.events.history.push(event);
        // @ts-expect-error -- the history never changes
        bus.events.history[0] = event;
      });
    });
  });

  describe('a listener', () => {
    it('follows its names: one, several, an iterable, none', () => {
      expectType<EventListener<'STOP'>>()(new EventListener('STOP'));
      expectType<EventListener<'STOP' | 'RESUME'>>()(new EventListener(['STOP', 'RESUME']));
      expectType<EventListener<'STOP' | 'RESUME'>>()(new EventListener(new Set(['STOP', 'RESUME'] as const)));
      expectType<EventListener>()(new EventListener());
      compiles((name: string, names: readonly EventName[]) => {
        expectType<QmpEvent | undefined>()(new EventListener(null).history[0]);
        expectType<QmpEvent | undefined>()(new EventListener(name).history[0]);
        expectType<QmpEvent | undefined>()(new EventListener([name]).history[0]);
        expectType<QmpEvent | undefined>()(new EventListener(names).history[0]);
      });
    });

    it('refuses a literal that is not listed and lets a string pass', () => {
      compiles((name: string) => {
        // @ts-expect-error -- a typo would wait for ever
        new EventListener('STPO');
        // @ts-expect-error -- a typo would wait for ever
        new EventListener(['STOP', 'STPO']);
        // @ts-expect-error -- a typo would wait for ever
        new EventListener<'STPO'>('STPO');
        new EventListener(name);
        new EventListener(['STOP', name]);
        // @ts-expect-error -- names are strings
        new EventListener(5);
        // @ts-expect-error -- names are strings
        new EventListener([5]);
      });
    });

    it('types what it gives', () => {
      compiles(async (listener: EventListener<'JOB_STATUS_CHANGE'>) => {
        expectType<Job>()(await listener.get({ timeout: 5, signal: AbortSignal.abort() }));
        expectType<Job[]>()(listener.clear());
        expectType<readonly Job[]>()(listener.history);
        expectType<Observable<Job>>()(listener.events$);
        expectType<Job>()(await firstValueFrom(from(listener)));
        expectType<number>()(listener.size);
        expectType<boolean>()(listener.put({} as QmpEvent));
        for await (const event of listener) expectType<Job>()(event);
        for await (const event of listener.iterate({ signal: AbortSignal.abort() })) expectType<Job>()(event);
        // @ts-expect-error -- there is no such option
        void listener.get({ time: 5 });
        // @ts-expect-error -- iteration has no timeout
        listener.iterate({ timeout: 5 });
        // @ts-expect-error -- it is read only
        listener.size = 5;
      });
    });

    it('takes any names later, and any filter that fits', () => {
      compiles((listener: EventListener<'STOP'>, names: Iterable<string>) => {
        listener.names = 'RESUME';
        listener.names = ['RESUME'];
        listener.names = names;
        listener.names = null;
        expectType<Set<string>>()(listener.names);
        listener.eventFilter = (event) => event.timestamp.seconds > 0;
        listener.eventFilter = undefined;
        // @ts-expect-error -- names are strings
        listener.names = 5;
      });
    });

    it('is a listener, whatever it listens to', () => {
      compiles(
        (stops: EventListener<'STOP'>, scoped: ScopedListener<'STOP' | 'RESET'>, open: EventListener<string>) => {
          const listeners: EventListener[] = [stops, scoped, open, new JobListener('job0')];
          const wider: EventListener<'STOP' | 'RESUME'> = stops;
          // @ts-expect-error -- it gives more than STOP
          const narrower: EventListener<'STOP'> = wider;
          return [listeners, narrower];
        },
      );
    });

    it('may be subclassed', () => {
      class Panics extends EventListener<'GUEST_PANICKED'> {
        constructor() {
          super('GUEST_PANICKED', (event) => event.data.action !== 'run');
        }
        override accept(event: QmpEvent): boolean {
          return super.accept(event) && event.timestamp.seconds > 0;
        }
      }
      class Everything extends EventListener {
        override accept(event: QmpEvent): boolean {
          return event.event === 'STOP';
        }
      }
      compiles(async (bus: EventBus, panics: Panics, job: JobListener, everything: Everything) => {
        bus.registerListener(panics);
        bus.registerListener(everything);
        bus.listen(panics, job, everything);
        expectType<QmpEvent<'GUEST_PANICKED'>[]>()(bus.removeListener(panics));
        expectType<QmpEvent[]>()(bus.removeListener(everything));
        expectType<QmpEvent<JobEventName>[]>()(bus.removeListener(job));
        expectType<Observable<QmpEvent<'GUEST_PANICKED'>>>()(bus.observe(panics));
        expectType<Observable<QmpEvent<JobEventName>>>()(bus.observe(job));
        expectType<Observable<QmpEvent>>()(bus.observe(everything));
        const event = await job.get();
        if (event.event === 'JOB_STATUS_CHANGE') expectType<string>()(event.data.id);
      });
    });
  });

  describe('a filter', () => {
    it('knows the event, also by parameters', () => {
      const ofJob =
        (id: string): EventFilter<'JOB_STATUS_CHANGE'> =>
        (event) =>
          event.data.id === id;
      const since =
        (seconds: number): EventFilter =>
        (event) =>
          event.timestamp.seconds >= seconds;
      compiles((bus: EventBus) => {
        new EventListener('JOB_STATUS_CHANGE', ofJob('job0'));
        bus.listener('JOB_STATUS_CHANGE', ofJob('job0'));
        bus.observe('JOB_STATUS_CHANGE', ofJob('job0'));
        bus.observe('STOP', since(5));
        bus.observe(null, since(5));
        bus.observe(['STOP', 'JOB_STATUS_CHANGE'], (event) => event.event === 'STOP' || event.data.id === 'job0');
        bus.observe(null, (event) => event.event === 'SHUTDOWN' && event.data.guest);
        // @ts-expect-error -- STOP has no data
        bus.observe('STOP', ofJob('job0'));
        // @ts-expect-error -- STOP has no data
        new EventListener('STOP', (event) => event.data.id === 'job0');
      });
    });

    it('may answer with anything that counts as true or false, but not with a promise', () => {
      compiles((bus: EventBus) => {
        bus.observe('DEVICE_DELETED', (event) => event.data.device);
        bus.observe('STOP', () => 1);
        bus.observe('STOP', () => null);
        bus.observe('STOP', () => ({ why: 'not' }));
        // @ts-expect-error -- a promise would be a yes
        bus.observe('STOP', async () => Promise.resolve(true));
        // @ts-expect-error -- a promise would be a yes
        bus.listener('STOP', async (event) => Promise.resolve(event.timestamp.seconds > 0));
        // @ts-expect-error -- a promise would be a yes
        new EventListener('STOP', async () => Promise.resolve(true));
        // @ts-expect-error -- a promise would be a yes
        new EventListener('STOP').eventFilter = async () => Promise.resolve(true);
      });
    });
  });

  describe('listener() and observe()', () => {
    it('follow the names', () => {
      compiles((bus: EventBus, name: string, dynamic: readonly string[], list: readonly string[] | null) => {
        expectType<ScopedListener<'STOP'>>()(bus.listener('STOP'));
        expectType<ScopedListener<'STOP' | 'RESUME'>>()(bus.listener(['STOP', 'RESUME']));
        expectType<ScopedListener>()(bus.listener());
        expectType<Observable<Stop>>()(bus.observe('STOP'));
        expectType<Observable<QmpEvent<'STOP' | 'RESUME'>>>()(bus.observe(['STOP', 'RESUME']));
        expectType<Observable<QmpEvent<'STOP' | 'RESUME'>>>()(bus.observe(new Set(['STOP', 'RESUME'] as const)));
        expectType<Observable<QmpEvent>>()(bus.observe());
        expectType<Observable<QmpEvent>>()(bus.observe(null));
        expectType<Observable<QmpEvent>>()(bus.observe(undefined, () => true));
        expectType<Observable<QmpEvent>>()(bus.observe([]));
        expectType<Observable<QmpEvent>>()(bus.observe(name));
        expectType<Observable<QmpEvent>>()(bus.observe(dynamic));
        expectType<Observable<QmpEvent>>()(bus.observe(list));
      });
    });

    it('refuse a literal that is not listed and let a string pass', () => {
      compiles((bus: EventBus, name: string) => {
        // @ts-expect-error -- a typo would wait for ever
        bus.listener('STPO');
        // @ts-expect-error -- a typo would wait for ever
        bus.observe('STPO');
        // @ts-expect-error -- a typo would wait for ever
        bus.observe(['STOP', 'STPO']);
        // @ts-expect-error -- a typo would wait for ever
        bus.observe('');
        // @ts-expect-error -- a typo would wait for ever
        bus.observe(new Set(['STPO'] as const));
        bus.observe(['STOP', name]);
        bus.listener(name);
      });
    });

    it('work behind generic wrappers', () => {
      const observe = <N extends EventName>(bus: EventBus, name: N): Observable<QmpEvent<N>> => bus.observe(name);
      const listen = <N extends EventName>(bus: EventBus, name: N): ScopedListener<N> => bus.listener(name);
      const several = <N extends EventName>(bus: EventBus, names: readonly N[]) => bus.observe(names);
      const create = <N extends EventName>(name: N): EventListener<N> => new EventListener(name);
      const inferred = <N extends EventName>(bus: EventBus, name: N) => bus.observe(name);
      compiles((bus: EventBus) => {
        expectType<Observable<Stop>>()(observe(bus, 'STOP'));
        expectType<ScopedListener<'STOP'>>()(listen(bus, 'STOP'));
        expectType<Observable<QmpEvent<'STOP' | 'RESUME'>>>()(several(bus, ['STOP', 'RESUME']));
        expectType<EventListener<'STOP'>>()(create('STOP'));
        expectType<Observable<Job>>()(inferred(bus, 'JOB_STATUS_CHANGE'));
        // @ts-expect-error -- not a name
        observe(bus, 'STPO');
      });
    });

    it('give scopes', () => {
      compiles((bus: EventBus, listener: EventListener<'STOP'>) => {
        const disposables: Disposable[] = [bus, bus.listen(listener), bus.listener('STOP')];
        const subscribable: { unsubscribe(): void } = bus.listen(listener);
        return [disposables, subscribable];
      });
    });
  });

  describe('ofEvent', () => {
    it('narrows, and refuses what is not listed', () => {
      compiles((messages$: Observable<Message>, events$: Observable<QmpEvent>, name: string) => {
        expectType<Observable<Job>>()(messages$.pipe(ofEvent('JOB_STATUS_CHANGE')));
        expectType<Observable<QmpEvent<'STOP' | 'RESUME'>>>()(events$.pipe(ofEvent('STOP', 'RESUME')));
        expectType<Observable<QmpEvent>>()(events$.pipe(ofEvent(name)));
        // @ts-expect-error -- a name with a typo
        ofEvent('STPO');
      });
    });
  });

  describe('EventMap and CommandMap', () => {
    it('can be augmented by a program', () => {
      const program = `
        import { EventBus, EventListener, QmpClient } from './src/index.js';
        declare module './src/index.js' {
          interface EventMap { X_VENDOR: { readonly level: number } }
          interface CommandMap { 'x-vendor': { arguments: { readonly level: number }; result: { readonly was: number } } }
        }
        export async function run(bus: EventBus, client: QmpClient): Promise<number> {
          bus.observe('X_VENDOR', (event) => event.data.level > 5);
          const listener: EventListener = new EventListener('X_VENDOR');
          for await (const event of listener) if (event.event === 'X_VENDOR') return event.data.level;
          return (await client.execute('x-vendor', { level: 5 })).was;
        }`;
      expect(
        compile({ 'main.ts': program }, { lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'], types: ['node'] }),
      ).toEqual([]);
    }, 60_000);
  });
});
