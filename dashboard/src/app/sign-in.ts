import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import { Connection } from './connection';
import { keepToken, SESSION } from './session';

/** Asks for the token, and says why. */
@Component({
  selector: 'app-sign-in',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <form class="panel" (submit)="enter($event, tokenField.value)">
      <h2>No connection to the hub</h2>
      <p role="status">
        @switch (answer()) {
          @case (401) {
            The hub is there but does not let this page in: the token is {{ session.token ? 'wrong' : 'missing' }}.
          }
          @case (403) {
            The hub is there but does not serve this address. Start it with
            <code>--host-name {{ host }}</code> if it is yours.
          }
          @case (0) {
            Nothing answers at <code>{{ session.hub }}</code> any more. Is <code>rx-qmp</code> still running?
          }
          @case (undefined) {
            Trying to find out why …
          }
          @default {
            The hub answers, but the connection does not hold.
          }
        }
        Trying again all the time.
      </p>
      <label
        >Token, as the hub printed it
        <input #tokenField type="password" name="token" required autocomplete="off" />
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
      padding: 4vh 0;
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
export class SignIn {
  readonly reason = input.required<string>();
  readonly session = inject(SESSION);
  readonly host = location.hostname;
  /** The status with which the hub answers. */
  readonly answer = inject(Connection).answer;

  enter(event: Event, token: string): void {
    event.preventDefault();
    keepToken(token);
    location.reload();
  }
}
