import { inject, InjectionToken, NgZone, PLATFORM_ID } from '@angular/core';
import { filter, firstValueFrom, map } from 'rxjs';
import { ConnectError, QmpClient, type ConnectionState, type Connector } from 'rx-qmp';
import { injectQmp, provideQmp } from 'rx-qmp/angular';
import { FakeQemu } from '../../src/testing/fake-qemu.js';
import { destroyInjectors, injectorOf } from './injector.js';

type InPhase<P> = Extract<ConnectionState, { phase: P }>;

/** Resolves when the client is in that phase. */
function phase<P extends ConnectionState['phase']>(client: QmpClient, wanted: P): Promise<InPhase<P>> {
  return firstValueFrom(
    client.state$.pipe(
      filter((state) => state.phase === wanted),
      map((state) => state as InPhase<P>),
    ),
  );
}

describe('provideQmp', () => {
  afterEach(destroyInjectors);

  it('connects when the client is first injected, and not before', async () => {
    const qemu = new FakeQemu();
    const connector = jest.fn(() => qemu.connector);
    const injector = injectorOf(provideQmp(connector));
    expect(connector).not.toHaveBeenCalled();

    const client = injectQmp({ injector });
    expect((await phase(client, 'ready')).session).toBe(1);
    expect(injectQmp({ injector })).toBe(client);
    expect(injector.get<QmpClient>(QmpClient)).toBe(client);
    expect(connector).toHaveBeenCalledTimes(1);
  });

  it('calls the factory in an injection context', async () => {
    const CONNECTOR = new InjectionToken<Connector>('connector');
    const injector = injectorOf(
      { provide: CONNECTOR, useValue: new FakeQemu().connector },
      provideQmp(() => inject(CONNECTOR), { name: 'vm1' }),
    );
    const client = injectQmp({ injector });
    await phase(client, 'ready');
    expect(client.name).toBe('vm1');
  });

  it('opens the connection outside the Angular zone', () => {
    let outside = false;
    const zone = {
      runOutsideAngular<T>(fn: () => T): T {
        outside = true;
        try {
          return fn();
        } finally {
          outside = false;
        }
      },
    };
    const seen: boolean[] = [];
    const connector = jest.spyOn(QmpClient.prototype, 'connect').mockImplementation(() => {
      seen.push(outside);
      return Promise.reject(new Error('never dialled'));
    });
    const injector = injectorOf(
      { provide: NgZone, useValue: zone },
      provideQmp(() => {
        seen.push(outside);
        return new FakeQemu().connector;
      }),
    );
    injectQmp({ injector });
    connector.mockRestore();
    expect(seen).toEqual([true, true]);
  });

  it('connects anew after a loss', async () => {
    const qemu = new FakeQemu();
    const client = injectQmp({ injector: injectorOf(provideQmp(() => qemu.connector)) });
    await phase(client, 'ready');
    qemu.kill();
    expect(client.state.phase).toBe('reconnecting');
    qemu.restart();
    expect((await phase(client, 'ready')).session).toBe(2);
  });

  it('makes a failure a state and no unhandled rejection', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const refused = (): Connector => () => Promise.reject(new Error('refused'));
      const retrying = injectQmp({ injector: injectorOf(provideQmp(refused)) });
      expect((await phase(retrying, 'reconnecting')).cause).toBeInstanceOf(ConnectError);

      const single = injectQmp({ injector: injectorOf(provideQmp(refused, { reconnect: false })) });
      expect((await phase(single, 'closed')).cause?.message).toContain('refused');
      await new Promise(setImmediate);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  it('closes the client with its injector', async () => {
    const qemu = new FakeQemu();
    const injector = injectorOf(provideQmp(() => qemu.connector));
    const client = injectQmp({ injector });
    await phase(client, 'ready');
    injector.destroy();
    expect(client.state).toEqual({ phase: 'closed' });
    await expect(client.connect()).rejects.toThrow('closed for good');
  });

  it('gives each injector its own VM', async () => {
    const [one, two] = [new FakeQemu(), new FakeQemu()];
    const first = injectQmp({ injector: injectorOf(provideQmp(() => one.connector)) });
    const second = injectQmp({ injector: injectorOf(provideQmp(() => two.connector)) });
    await Promise.all([phase(first, 'ready'), phase(second, 'ready')]);
    await first.execute('stop');
    expect([one.status, two.status]).toEqual(['paused', 'running']);
  });

  it('opens nothing on a server, and does not even ask for a connector', async () => {
    const connector = jest.fn();
    const injector = injectorOf({ provide: PLATFORM_ID, useValue: 'server' }, provideQmp(connector));
    const client = injectQmp({ injector });
    expect(client.state).toEqual({ phase: 'idle' });
    await expect(client.connect()).rejects.toThrow('on the server');
    expect(connector).not.toHaveBeenCalled();
  });
});

describe('injectQmp', () => {
  afterEach(destroyInjectors);

  it('says what is missing where nothing is provided', () => {
    expect(() => injectQmp({ injector: injectorOf() })).toThrow('add provideQmp(');
  });

  it('needs an injection context', () => {
    expect(() => injectQmp()).toThrow('injection context');
  });
});
