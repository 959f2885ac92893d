import { ChangeDetectionStrategy, Component, inject, input, resource } from '@angular/core';
import { keepSettings, SETTINGS } from './settings';

/** Asks for the hub's address and a token, and says why: a browser does not tell a page why a WebSocket was not opened. */
@Component({
  selector: 'app-door',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <form class="panel" (submit)="enter($event, hubField.value, tokenField.value)">
      <h2>No connection to the hub</h2>
      <p role="status">
        @switch (hubAnswers.value()) {
          @case (true) {
            The hub is there but does not let this page in: the token is missing or wrong, or pages from
            <code>{{ origin }}</code> are not allowed (<code>--origin {{ origin }}</code> allows them).
          }
          @case (false) {
            Nothing answers at <code>{{ settings.hub }}</code>. Is <code>rx-qmp hub</code> running?
          }
          @default {
            Trying to find out why …
          }
        }
        Trying again all the time.
      </p>
      <label
        >Address of the hub
        <input #hubField type="url" required name="hub" autocomplete="off" [value]="settings.hub" />
      </label>
      <label
        >Token, as the hub printed it
        <input #tokenField type="password" name="token" autocomplete="off" [value]="settings.token" />
      </label>
      <button type="submit" class="main">Connect</button>
      <details>
        <summary>What the browser said</summary>
        <p>{{ reason() }}</p>
      </details>
    </form>
  `,
  styles: `
    :host {
      display: grid;
      justify-items: center;
      padding: 4vh 1rem;
    }
    form {
      width: min(30rem, 100%);
      padding: 1.5rem;
      display: grid;
      gap: 1rem;
    }
    h2 {
      font-size: 1.1rem;
    }
    p {
      margin: 0;
      line-height: 1.5;
    }
    label {
      display: grid;
      gap: 0.3rem;
      font-size: 0.8125rem;
      color: var(--muted);
    }
    details {
      font-size: 0.75rem;
      color: var(--muted);
      overflow-wrap: anywhere;
    }
  `,
})
export class Door {
  readonly reason = input.required<string>();
  readonly settings = inject(SETTINGS);
  readonly origin = location.origin;
  /** Whether anything answers there. The answer itself is hidden from us, which does no harm. */
  readonly hubAnswers = resource({
    params: () => this.reason(),
    loader: async ({ abortSignal }) => {
      const url = `${this.settings.hub.replace(/^ws/, 'http').replace(/\/$/, '')}/healthz`;
      try {
        await fetch(url, { mode: 'no-cors', signal: abortSignal, cache: 'no-store' });
        return true;
      } catch {
        return false;
      }
    },
  });

  enter(event: Event, hub: string, token: string): void {
    event.preventDefault();
    keepSettings({ hub, token });
    location.reload();
  }
}
