import { CommandError, genericError } from '../protocol/command-error.js';
import type { JobHost } from './fake-job.js';
import type { Replies } from './reply.js';

/** How a guest answers the request to unplug a device. */
export type UnplugAnswer = 'lets go' | 'refuses' | 'is silent';

interface FakeDevice {
  readonly answer: UnplugAnswer;
  pending: boolean;
}

/** The devices of a {@link FakeQemu} that have an id. */
export class FakeDevices {
  readonly #emit: JobHost['emit'];
  readonly #devices = new Map<string, FakeDevice>();

  /** Made by the FakeQemu. */
  constructor(emit: JobHost['emit']) {
    this.#emit = emit;
  }

  /** Plugs a device in. */
  add(id: string, answer: UnplugAnswer = 'lets go'): void {
    this.#devices.set(id, { answer, pending: false });
  }

  /** The guest lets go of a device: QEMU emits DEVICE_DELETED, first for its child, which has no id. */
  remove(id: string): void {
    if (!this.#devices.delete(id)) return;
    this.#emit('DEVICE_DELETED', { path: `${pathOf(id)}/virtio-backend` });
    this.#emit('DEVICE_DELETED', { device: id, path: pathOf(id) });
  }

  /** The guest keeps a device, and says so as it does for memory: first that it tries, then that it gives up. */
  refuse(id: string): void {
    for (const status of [132, 129]) {
      this.#emit('ACPI_DEVICE_OST', { info: { device: id, slot: '0', 'slot-type': 'DIMM', source: 3, status } });
    }
  }

  /** How its commands are answered. */
  get replies(): Replies {
    return {
      device_del: ({ id }, hooks) => {
        const device = this.#devices.get(id);
        if (!device) throw new CommandError('DeviceNotFound', `Device '${id}' not found`);
        if (device.pending) throw genericError(`Device ${id} is already in the process of unplug`);
        device.pending = device.answer === 'is silent';
        hooks.afterReply(() => {
          if (device.answer === 'lets go') this.remove(id);
          if (device.answer === 'refuses') this.refuse(id);
        });
      },
      'qom-list': ({ path }) => [
        { name: 'type', type: 'string' },
        ...[...this.#devices.keys()]
          .filter((id) => pathOf(id).startsWith(`${path}/`))
          .map((id) => ({ name: id, type: 'child<device>' })),
      ],
    };
  }
}

function pathOf(id: string): string {
  return `/machine/peripheral/${id}`;
}
