/** @jest-environment ./spec/angular/dom-environment.cjs */
import 'zone.js';
import 'zone.js/testing';
import '@angular/compiler';
import { Component, NgZone, provideZoneChangeDetection, type Type } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { BrowserTestingModule, platformBrowserTesting } from '@angular/platform-browser/testing';
import { filter, firstValueFrom } from 'rxjs';
import { QmpClient } from 'rx-qmp';
import { injectQmpCommand, injectQmpHistory, injectQmpQuery, injectQmpState } from 'rx-qmp/angular';
import { provideQmpTesting } from 'rx-qmp/angular/testing';
import { FakeQemu } from '../../src/testing/fake-qemu.js';

const Vm = Component({
  selector: 'app-vm',
  template: '{{ state().phase }} {{ status.value()?.status }} {{ events().length }}',
})<Type<unknown>>(
  class {
    readonly state = injectQmpState();
    readonly events = injectQmpHistory('STOP');
    readonly status = injectQmpQuery('query-status', { after: ['STOP', 'RESUME'] });
    readonly stop = injectQmpCommand('stop');
  },
);

const text = (element: unknown): string => (element as { textContent: string }).textContent.trim();

describe('under a real zone.js', () => {
  beforeAll(() => {
    TestBed.initTestEnvironment(BrowserTestingModule, platformBrowserTesting());
  });
  afterEach(() => {
    TestBed.resetTestingModule();
  });

  it('renders what changes, and what a socket tells does not enter the zone', async () => {
    TestBed.configureTestingModule({ providers: [provideZoneChangeDetection(), provideQmpTesting()] });
    const fixture = TestBed.createComponent(Vm);
    fixture.autoDetectChanges();
    const [client, qemu, zone] = [
      TestBed.inject<QmpClient>(QmpClient),
      TestBed.inject(FakeQemu),
      TestBed.inject(NgZone),
    ];
    await firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'ready')));
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('ready running 0');

    const heardInZone: boolean[] = [];
    client.observe('STOP').subscribe(() => heardInZone.push(NgZone.isInAngularZone()));
    let turns = 0;
    zone.onMicrotaskEmpty.subscribe(() => (turns += 1));
    for (let count = 0; count < 100; count += 1) qemu.emit('STOP');
    await fixture.whenStable();
    expect(text(fixture.nativeElement)).toBe('ready paused 100');
    expect(new Set(heardInZone)).toEqual(new Set([false]));
    expect(turns).toBeLessThan(10);
  });
});
