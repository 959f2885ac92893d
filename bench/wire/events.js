/** The name that the measured clients listen to: about every seventh event. */
export const NAME = 'JOB_STATUS_CHANGE';
/** The server sends these again and again. */
export const POOL = 20_000;

const address = (next) => ({
  family: 'ipv4',
  service: String(1024 + next(60_000)),
  host: `10.0.${next(256)}.${next(256)}`,
  websocket: false,
});
const device = (next) => `${['net', 'virtio-disk', 'usb', 'scsi'][next(4)]}${next(30)}`;
const STATES = ['created', 'running', 'waiting', 'pending', 'concluded', 'null'];

/**
 * What QEMU sends, by name: how often, and its data.
 *
 * @type {[string, number, ((next: (below: number) => number) => object)?][]}
 */
const KINDS = [
  [NAME, 6, (next) => ({ status: STATES[next(6)], id: `job${next(1000)}` })],
  ['STOP', 3],
  ['RESUME', 3],
  ['POWERDOWN', 1],
  ['RESET', 2, (next) => ({ guest: next(2) === 0, reason: 'host-qmp-system-reset' })],
  ['RTC_CHANGE', 4, (next) => ({ offset: next(4_000_000), 'qom-path': '/machine/unattached/device[7]/rtc' })],
  ['BALLOON_CHANGE', 2, (next) => ({ actual: 4096 * next(1_000_000) })],
  [
    'NIC_RX_FILTER_CHANGED',
    3,
    (next) => ({ name: `vnet${next(40)}`, path: `/machine/peripheral/net${next(40)}/virtio-backend` }),
  ],
  ['DEVICE_DELETED', 3, (next) => ({ device: device(next), path: `/machine/peripheral/${device(next)}` })],
  ['VSERPORT_CHANGE', 3, (next) => ({ open: next(2) === 0, id: `channel${next(4)}` })],
  ['MIGRATION', 2, (next) => ({ status: ['setup', 'active', 'completed'][next(3)] })],
  ['MIGRATION_PASS', 2, (next) => ({ pass: next(100) })],
  ['WATCHDOG', 1, () => ({ action: 'reset' })],
  [
    'BLOCK_JOB_READY',
    2,
    (next) => ({ type: 'mirror', device: device(next), len: next(2 ** 31), offset: next(2 ** 31), speed: 0 }),
  ],
  [
    'BLOCK_JOB_COMPLETED',
    2,
    (next) => ({
      type: 'backup',
      device: device(next),
      len: next(2 ** 31),
      offset: next(2 ** 31),
      speed: next(2 ** 20),
    }),
  ],
  [
    'BLOCK_WRITE_THRESHOLD',
    1,
    (next) => ({ 'amount-exceeded': next(2 ** 20), 'node-name': `node${next(99)}`, 'write-threshold': next(2 ** 31) }),
  ],
  [
    'BLOCK_IO_ERROR',
    1,
    (next) => ({
      device: device(next),
      'node-name': `#block${next(999)}`,
      operation: 'write',
      action: 'report',
      nospace: true,
      reason: 'No space left on device',
    }),
  ],
  ['VNC_CONNECTED', 2, (next) => ({ server: { auth: 'none', ...address(next) }, client: address(next) })],
  [
    'VNC_DISCONNECTED',
    2,
    (next) => ({ server: { auth: 'none', ...address(next) }, client: { ...address(next), sasl_username: 'ann' } }),
  ],
  [
    'GUEST_PANICKED',
    1,
    (next) => ({
      action: 'pause',
      info: { type: 'hyper-v', arg1: next(9), arg2: 0, arg3: next(99), arg4: 0, arg5: 0 },
    }),
  ],
  [
    'MEMORY_DEVICE_SIZE_CHANGE',
    1,
    (next) => ({ id: `vm${next(9)}`, size: 2 ** 21 * next(2 ** 16), 'qom-path': '/machine/peripheral/vm0' }),
  ],
];

/** The events, as QEMU writes them: blanks after `:` and `,`, the time first, `\r\n`. The last one is a {@link NAME}. */
export function lines() {
  const next = random(20_240);
  const names = KINDS.flatMap((kind) => Array.from({ length: kind[1] }, () => kind));
  return Array.from({ length: POOL }, (_, index) => {
    const [name, , data] = index === POOL - 1 ? KINDS[0] : names[next(names.length)];
    const timestamp = { seconds: 1_795_332_168 + Math.floor(index / 500), microseconds: next(1_000_000) };
    return `${spaced({ timestamp, event: name, ...(data && { data: data(next) }) })}\r\n`;
  });
}

/** How many of so many events, as the server sends them, bear {@link NAME}. @param {number} events */
export function named(events) {
  const isNamed = lines().map((line) => Number(line.includes(`"event": "${NAME}"`)));
  const sum = (part) => part.reduce((count, one) => count + one, 0);
  const rest = events % POOL;
  return sum(isNamed) * Math.floor(events / POOL) + (rest > 0 ? sum(isNamed.slice(-rest)) : 0);
}

/** @returns {string} */
function spaced(value) {
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `"${key}": ${spaced(member)}`)
    .join(', ')}}`;
}

/** Whole numbers below a limit, the same in every run (mulberry32). */
function random(seed) {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
