import { alternate, inProcess } from '../measure.js';

const SIDES = new URL('./sides.js', import.meta.url);

/** @type {{ what: string, input: object }[]} */
const FLOODS = [
  { what: '20 viewers flood refused commands', input: { kind: 'refused', viewers: 20 } },
  { what: '20 viewers flood queries', input: { kind: 'queries', viewers: 20 } },
  { what: '20 viewers flood pings', input: { kind: 'pings', viewers: 20 } },
  { what: 'a VM sends 5,000 events/s to 50 readers', input: { kind: 'events', viewers: 50, rate: 5_000 } },
  { what: 'a VM sends 1,000 events/s to 200 readers', input: { kind: 'events', viewers: 200, rate: 1_000 } },
  { what: 'a VM sends 20,000 events at once to 50 readers', input: { kind: 'events', viewers: 50, events: 20_000 } },
];

/** @param {import('../main.js').Scale} scale */
export async function hub({ quick, rounds }) {
  const times = Math.min(rounds, 3);
  return [
    ...(await bursts(times, quick)),
    ...(await floods(times, quick)),
    ...(await memory(quick)),
    ...(await vms(quick)),
  ];
}

/** The hub against a relay that passes lines on unread. */
async function bursts(rounds, quick) {
  /** By watchers, the bursts of 5,000 events. */
  const cases = Object.entries(quick ? { 1: 20, 20: 2 } : { 1: 100, 20: 10, 100: 2 });
  const measured = await alternate(
    rounds,
    Object.fromEntries(
      cases.flatMap(([watchers, count]) =>
        ['relay', 'hub'].map((side) => [
          `${side} ${watchers}`,
          () => inProcess(SIDES, 'burst', { side, watchers: Number(watchers), bursts: count }),
        ]),
      ),
    ),
  );
  const budgets = { 1: 0.9, 20: 3 };
  return cases.flatMap(([watchers, count]) =>
    ['processor', 'clock'].map((of) => {
      const time = (side) =>
        `${((measured.median(`${side} ${watchers} ${of}`) * 1_000) / count / 5_000).toFixed(1)} µs`;
      return {
        what: `hub: an event of a burst to ${watchers} watcher${watchers === '1' ? '' : 's'}, ${of === 'clock' ? 'on the clock' : 'processor time'}`,
        value: time('hub'),
        against: `relay of lines ${time('relay')}`,
        ratio: measured.ratio(`relay ${watchers} ${of}`, `hub ${watchers} ${of}`),
        ...(of === 'processor' && watchers in budgets && { minimum: budgets[watchers] }),
      };
    }),
  );
}

/** How long somebody waits at most who does nothing wrong. */
async function floods(rounds, quick) {
  const seconds = quick ? 2 : 5;
  const measured = await alternate(
    rounds,
    Object.fromEntries(FLOODS.map(({ what, input }) => [what, () => inProcess(SIDES, 'flood', { ...input, seconds })])),
  );
  return FLOODS.map(({ what }) => {
    const longest = measured.most(`${what} longest`);
    return {
      what: `hub: longest wait of a bystander while ${what}, s`,
      value: `${Math.round(longest)} ms`,
      against: `${measured.most(`${what} cutOff`)} readers cut off`,
      ratio: longest / 1_000,
      maximum: 1,
    };
  });
}

/** Readers that have stopped, and a VM that goes on. */
async function memory(quick) {
  const seconds = quick ? 12 : 20;
  const cases = [200, ...(quick ? [] : [1_000])].flatMap((count) =>
    ['events', 'replies'].map((kind) => ({ count, kind, seconds })),
  );
  const measured = await alternate(
    1,
    Object.fromEntries(
      cases.map((input) => [`${input.count} ${input.kind}`, () => inProcess(SIDES, 'stopped', input)]),
    ),
  );
  return cases.map(({ count, kind }) => {
    const mebibytes = measured.most(`${count} ${kind} memory`) / 2 ** 20;
    return {
      what: `hub: resident memory with ${count.toLocaleString('en')} stopped readers of ${kind === 'events' ? 'events' : 'replies that they asked for'}, MiB`,
      value: `${Math.round(mebibytes)} MiB`,
      against: `${measured.most(`${count} ${kind} cutOff`)} of them cut off`,
      ratio: mebibytes,
      maximum: 512,
    };
  });
}

/** VMs that come and go. */
async function vms(quick) {
  const count = quick ? 500 : 2_000;
  const measured = await alternate(1, { vms: () => inProcess(SIDES, 'vms', { count, watchers: 20 }) });
  return [
    {
      what: `hub: ${count.toLocaleString('en')} VMs appear and vanish, watchers of 20 cut off`,
      value: String(measured.most('vms cutOff')),
      against: `a bystander waits ${Math.round(measured.most('vms longest'))} ms`,
      ratio: measured.most('vms cutOff'),
      maximum: 0,
    },
  ];
}
