import { ChangeDetectionStrategy, Component, computed, inject, input, signal } from '@angular/core';
import type { QmpClient } from 'rx-qmp';
import { Rights } from '../rights';
import { repeated } from './repeated';

/** Runs any command that the token may run, and shows what it answers. */
@Component({
  selector: 'app-command-box',
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { class: 'panel' },
  template: `
    <header><h3>Command</h3></header>
    <form (submit)="run($event, nameField.value, argumentsField.value)">
      <input
        #nameField
        name="command"
        list="commands"
        required
        autocomplete="off"
        aria-label="Command"
        placeholder="query-status"
      />
      <datalist id="commands">
        @for (name of names(); track name) {
          <option [value]="name"></option>
        }
      </datalist>
      <textarea
        #argumentsField
        name="arguments"
        rows="2"
        spellcheck="false"
        aria-label="Arguments as JSON"
        placeholder='{ "id": "…" }'
      ></textarea>
      <button type="submit" class="main" [attr.aria-disabled]="pending()">Run</button>
    </form>
    <p class="failed" role="alert">{{ failure() }}</p>
    @if (result() !== undefined) {
      <pre tabindex="0" role="region" aria-label="What it answered">{{ result() }}</pre>
    }
  `,
  styles: `
    form {
      display: grid;
      gap: 0.4rem;
      padding: 0.3rem 0.75rem 0.6rem;
    }
    textarea {
      resize: vertical;
      font: 0.8125rem var(--mono);
    }
    input {
      font-family: var(--mono);
    }
    .failed {
      margin: 0;
      padding: 0 0.75rem 0.4rem;
      color: var(--trouble);
      font-size: 0.8125rem;
      overflow-wrap: anywhere;
    }
    .failed:empty {
      padding: 0;
    }
    pre {
      max-height: 16rem;
      margin: 0;
      padding: 0.5rem 0.75rem;
      overflow: auto;
      border-top: 1px solid var(--line);
      font: 0.75rem/1.45 var(--mono);
    }
  `,
})
export class CommandBox {
  readonly client = input.required<QmpClient>();
  readonly #rights = inject(Rights);
  readonly #commands = repeated(this.client, (client) => client.execute('query-commands'), 600_000);
  readonly names = computed(() =>
    (this.#commands().value ?? [])
      .map(({ name }) => name)
      .filter((name) => this.#rights.may(name))
      .sort(),
  );
  readonly pending = signal(false);
  readonly result = signal<string | undefined>(undefined);
  readonly failure = signal('');

  async run(event: Event, name: string, text: string): Promise<void> {
    event.preventDefault();
    if (this.pending()) return;
    this.failure.set('');
    this.result.set(undefined);
    this.pending.set(true);
    try {
      const args = text.trim() === '' ? undefined : (JSON.parse(text) as object);
      this.result.set(JSON.stringify(await this.client().execute(name, args), undefined, 2));
    } catch (error) {
      this.failure.set(error instanceof Error ? error.message : String(error));
    } finally {
      this.pending.set(false);
    }
  }
}
