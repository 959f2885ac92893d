import { provideZonelessChangeDetection } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { HubClient } from 'rx-qmp';
import { provideQmpHub } from 'rx-qmp/angular';
import { App } from './app/app';
import { openSession, SESSION } from './app/session';

const session = openSession();

bootstrapApplication(App, {
  providers: [
    provideZonelessChangeDetection(),
    { provide: SESSION, useValue: session },
    provideQmpHub(
      () => new HubClient(session.hub, { last: 500, ...(session.token !== '' && { token: session.token }) }),
    ),
  ],
}).catch((error: unknown) => {
  console.error(error);
});
