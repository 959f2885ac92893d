/** @jest-environment ./spec/angular/dom-environment.cjs */
import '@angular/compiler';
import { ChangeDetectionStrategy, Component, effect, signal, type Type } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { BrowserTestingModule, platformBrowserTesting } from '@angular/platform-browser/testing';
import { filter, firstValueFrom } from 'rxjs';
import { QmpClient } from 'rx-qmp';
import { injectQmp, injectQmpHistory, injectQmpQuery, injectQmpState, provideQmp } from 'rx-qmp/angular';
import { provideQmpTesting } from 'rx-qmp/angular/testing';
import { FakeQemu } from '../../src/testing/fake-qemu.js';

const changeDetection = ChangeDetectionStrategy.OnPush;

/** A component without decorators, which standard JavaScript spells differently from Angular. */
function component<T>(type: Type<T>, template: string, more: Pick<Component, 'inputs' | 'providers'> = {}): Type<T> {
  return Component({ selector: 'app-under-test', template, changeDetection, ...more })<Type<T>>(type);
}

const Status = component(
  class {
    readonly state = injectQmpState();
    readonly events = injectQmpHistory(['STOP', 'RESUME']);
    readonly status = injectQmpQuery('query-status', { after: ['STOP', 'RESUME'] });
  },
  '<b>{{ state().phase }}</b>, <i>{{ status.value()?.status }}</i>@for (e of events(); track e) {, {{ e.event }}}',
);

function text(element: unknown): string {
  return (element as { textContent: string }).textContent.trim().replace(/\s+/g, ' ');
}

const reached = (client: QmpClient, wanted: string): Promise<unknown> =>
  firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === wanted)));

describe('in a component', () => {
  beforeAll(() => {
    TestBed.initTestEnvironment(BrowserTestingModule, platformBrowserTesting());
  });
  afterEach(() => {
    TestBed.resetTestingModule();
  });

  it('shows state, events and a command without a zone and with OnPush', async () => {
    TestBed.configureTestingModule({ providers: [provideQmpTesting()] });
    const fixture = TestBed.createComponent(Status);
    const [client, qemu] = [TestBed.inject<QmpClient>(QmpClient), TestBed.inject(FakeQemu)];
    await fixture.whenStable();
    await reached(client, 'ready');
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('ready, running');

    qemu.emit('STOP');
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('ready, paused, STOP');

    qemu.kill();
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('reconnecting, paused, STOP');

    qemu.restart();
    await reached(client, 'ready');
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('ready, running, STOP');

    qemu.on('query-status', new Error('not now')).emit('STOP');
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('ready, running, STOP, STOP');
  });

  it('leaves no listener behind when it is destroyed', async () => {
    TestBed.configureTestingModule({ providers: [provideQmpTesting()] });
    const client = TestBed.inject<QmpClient>(QmpClient);
    await reached(client, 'ready');
    const before = client.listeners.length;
    const fixture = TestBed.createComponent(Status);
    await fixture.whenStable();
    expect(client.listeners.length).toBe(before + 2);
    fixture.destroy();
    expect(client.listeners.length).toBe(before);
    expect(client.state.phase).toBe('ready');
    TestBed.resetTestingModule();
    expect(client.state.phase).toBe('closed');
  });

  it('closes the client that a component provides with that component', async () => {
    const qemu = new FakeQemu();
    const OwnClient = component(
      class {
        readonly qmp = injectQmp();
      },
      '',
      { providers: [provideQmp(() => qemu.connector)] },
    );
    const fixture = TestBed.createComponent(OwnClient);
    const client = fixture.componentInstance.qmp;
    await reached(client, 'ready');
    fixture.destroy();
    expect(client.state).toEqual({ phase: 'closed' });
  });

  it('takes the client from an input that is not there yet in the constructor', async () => {
    const qemus = [new FakeQemu(), new FakeQemu()];
    const clients = qemus.map((qemu) => new QmpClient(qemu.connector));
    await Promise.all(clients.map((client) => client.connect()));
    const Vm = component(
      class {
        readonly #client = signal<QmpClient | undefined>(undefined);
        readonly #given = (): QmpClient => this.#client() as QmpClient;
        readonly state = injectQmpState({ client: this.#given });
        readonly events = injectQmpHistory('STOP', { client: this.#given });
        set client(client: QmpClient) {
          this.#client.set(client);
        }
      },
      '{{ state().phase }} {{ events().length }}',
      { inputs: ['client'] },
    );
    const fixture = TestBed.createComponent(Vm);
    fixture.componentRef.setInput('client', clients[0]);
    await fixture.whenStable();
    qemus[0]?.emit('STOP');
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('ready 1');

    fixture.componentRef.setInput('client', clients[1]);
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('ready 0');
    fixture.destroy();
    expect(clients.map(({ listeners }) => listeners.length)).toEqual([1, 1]);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('renders once for a burst of 2,000 events', async () => {
    TestBed.configureTestingModule({ providers: [provideQmpTesting()] });
    let renders = 0;
    const Count = component(
      class {
        readonly events = injectQmpHistory(null, { limit: 100 });
        count(): number {
          renders += 1;
          return this.events().length;
        }
      },
      '{{ count() }}',
    );
    const fixture = TestBed.createComponent(Count);
    const qemu = TestBed.inject(FakeQemu);
    await reached(TestBed.inject<QmpClient>(QmpClient), 'ready');
    await fixture.whenStable();
    renders = 0;
    for (let count = 0; count < 2_000; count += 1) qemu.emit('STOP');
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('100');
    // Development mode checks each rendering a second time.
    expect(renders).toBeLessThanOrEqual(2);
  });

  it('runs an effect for the last of several changes', async () => {
    TestBed.configureTestingModule({ providers: [provideQmpTesting()] });
    const phases: string[] = [];
    TestBed.runInInjectionContext(() => {
      const state = injectQmpState();
      effect(() => phases.push(state().phase));
    });
    await reached(TestBed.inject<QmpClient>(QmpClient), 'ready');
    TestBed.tick();
    TestBed.inject(FakeQemu).restart();
    await reached(TestBed.inject<QmpClient>(QmpClient), 'ready');
    TestBed.tick();
    expect(phases).toEqual(['ready', 'ready']);
  });
});
