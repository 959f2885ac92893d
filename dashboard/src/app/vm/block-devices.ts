import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import type { QmpClient } from 'rx-qmp';
import { bytes } from '../format';
import { repeated } from './repeated';

interface Device {
  readonly key: string;
  readonly name: string;
  readonly image: string;
  readonly size: string;
  readonly read: string;
  readonly written: string;
}

/** The VM's disks and drives: image, size, and what was read and written. */
@Component({
  selector: 'app-block-devices',
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { class: 'panel' },
  template: `
    <header><h3>Block devices</h3></header>
    @let devices = answer();
    @if (devices.value; as list) {
      @if (list.length > 0) {
        <div class="scroll-x" tabindex="0" role="region" aria-label="Block devices">
          <table>
            <thead>
              <tr>
                <th scope="col">Device</th>
                <th scope="col">Image</th>
                <th scope="col" class="number">Size</th>
                <th scope="col" class="number">Read</th>
                <th scope="col" class="number">Written</th>
              </tr>
            </thead>
            <tbody>
              @for (device of list; track device.key) {
                <tr>
                  <td>{{ device.name }}</td>
                  <td class="image" [title]="device.image">{{ device.image }}</td>
                  <td class="number">{{ device.size }}</td>
                  <td class="number">{{ device.read }}</td>
                  <td class="number">{{ device.written }}</td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      } @else {
        <p class="none">No block device.</p>
      }
    } @else {
      <p class="none">{{ devices.error ?? 'Waiting for the VM …' }}</p>
    }
  `,
})
export class BlockDevices {
  readonly client = input.required<QmpClient>();
  readonly answer = repeated(this.client, devicesOf, 10_000);
}

async function devicesOf(client: QmpClient): Promise<readonly Device[]> {
  const [devices, stats] = await Promise.all([client.execute('query-block'), client.execute('query-blockstats')]);
  return devices.map(({ device, qdev, inserted }, place): Device => {
    const of = stats.find(
      (one) => (device !== '' && one.device === device) || (qdev !== undefined && one.qdev === qdev),
    );
    return {
      key: `${place} ${device} ${qdev ?? ''}`,
      name: device || lastPart(qdev) || '–',
      image: inserted?.image.filename ?? 'empty',
      size: inserted ? bytes(inserted.image['virtual-size']) : '',
      read: of ? bytes(of.stats.rd_bytes) : '',
      written: of ? bytes(of.stats.wr_bytes) : '',
    };
  });
}

/** `vd0` of `/machine/peripheral/vd0/virtio-backend`. */
function lastPart(path: string | undefined): string | undefined {
  return path
    ?.split('/')
    .filter((part) => part !== 'virtio-backend')
    .at(-1);
}
