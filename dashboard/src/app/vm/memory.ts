import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import type { QmpClient } from 'rx-qmp';
import { bytes } from '../format';
import { repeated } from './repeated';

/** The VM's memory: what it was started with, what was plugged, and what the balloon leaves the guest. */
@Component({
  selector: 'app-memory',
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { class: 'panel' },
  template: `
    <header><h3>Memory</h3></header>
    @let memory = answer();
    @if (memory.value; as sizes) {
      <dl class="facts">
        <dt>Base</dt>
        <dd>{{ sizes.base }}</dd>
        @if (sizes.plugged) {
          <dt>Plugged</dt>
          <dd>{{ sizes.plugged }}</dd>
        }
        <dt>Balloon</dt>
        <dd>{{ sizes.balloon ?? 'none' }}</dd>
      </dl>
    } @else {
      <p class="none">{{ memory.error ?? 'Waiting for the VM …' }}</p>
    }
  `,
})
export class Memory {
  readonly client = input.required<QmpClient>();
  readonly answer = repeated(this.client, sizesOf, 10_000);
}

async function sizesOf(client: QmpClient): Promise<{ base: string; plugged?: string; balloon?: string }> {
  // A VM without a balloon answers with an error.
  const balloon = client.execute('query-balloon').then(
    ({ actual }) => bytes(actual),
    () => undefined,
  );
  const sizes = await client.execute('query-memory-size-summary');
  const plugged = sizes['plugged-memory'] ?? 0;
  const left = await balloon;
  return {
    base: bytes(sizes['base-memory']),
    ...(plugged > 0 && { plugged: bytes(plugged) }),
    ...(left !== undefined && { balloon: left }),
  };
}
