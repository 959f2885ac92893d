import '@angular/compiler';
import { createEnvironmentInjector, Injector, VERSION } from '@angular/core';
import { QmpClient } from 'rx-qmp';
import { injectQmpHistory, injectQmpQuery, injectQmpState } from 'rx-qmp/angular';
import { provideQmpTesting } from 'rx-qmp/angular/testing';
import { FakeQemu } from 'rx-qmp/testing';

const injector = createEnvironmentInjector([provideQmpTesting()], Injector.NULL);
const state = injectQmpState({ injector });
const stops = injectQmpHistory('STOP', { injector });
const status = injectQmpQuery('query-status', { injector, after: 'STOP' });
await injector.get(QmpClient).connect();
injector.get(FakeQemu).emit('STOP');
await new Promise((resolve) => setTimeout(resolve, 50));
const seen = [state().phase, stops().length, status.value()?.status].join();
if (seen !== 'ready,1,paused') throw new Error(`Angular ${VERSION.full}: ${seen}`);
injector.destroy();
console.log('works');
