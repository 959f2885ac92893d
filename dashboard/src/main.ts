import { bootstrapApplication } from '@angular/platform-browser';
import { HubClient } from 'rx-qmp';
import { provideQmpHub } from 'rx-qmp/angular';
import { App } from './app/app';
import { readSettings, SETTINGS } from './app/settings';

const settings = readSettings();

bootstrapApplication(App, {
  providers: [
    { provide: SETTINGS, useValue: settings },
    provideQmpHub(() => new HubClient(settings.hub, settings.token === '' ? {} : { token: settings.token })),
  ],
}).catch((error: unknown) => {
  console.error(error);
});
