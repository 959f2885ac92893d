import { alternate, inProcess } from '../measure.js';
import { POOL } from '../wire/events.js';
import { hasNats } from './nats.js';

const SIDES = new URL('./sides.js', import.meta.url);
const BEAT = 1_000;

/** @param {import('../main.js').Scale} scale */
export async function fleet({ quick, rounds }) {
  if (!hasNats()) {
    process.stderr.write('skipped: there is no nats-server\n');
    return [];
  }
  const times = Math.min(rounds, 3);
  return [
    ...(await events(times, quick ? 2 : 4)),
    ...(await commands(times, quick ? 1_000 : 4_000)),
    ...(await memory()),
    ...(await many()),
    ...(await reading(times, quick ? 3 : 8)),
    ...(await killed(times)),
  ];
}

async function events(rounds, bursts) {
  const measured = await alternate(rounds, {
    relay: () => inProcess(SIDES, 'burst', { side: 'relay', bursts }),
    fleet: () => inProcess(SIDES, 'burst', { side: 'fleet', bursts }),
    names: () => inProcess(SIDES, 'burst', { side: 'names', bursts }),
  });
  const rate = (side) => `${Math.round((bursts * POOL) / measured.median(side))}k/s`;
  const row = (what, side) => ({
    ...{ what, value: rate(side), against: `relay of lines over NATS ${rate('relay')}` },
    ratio: measured.ratio('relay', side),
  });
  return [
    { ...row('fleet: QEMU’s socket → observe(name), live', 'fleet'), minimum: 0.2 },
    row('fleet: the same, only the wanted name subscribed to', 'names'),
  ];
}

async function commands(rounds, count) {
  const measured = await alternate(rounds, {
    socket: () => inProcess(SIDES, 'commands', { side: 'socket', count }),
    fleet: () => inProcess(SIDES, 'commands', { side: 'fleet', count }),
  });
  const time = (side) => `${(measured.median(side) * 1_000).toFixed(0)} µs`;
  const rate = (side) => `${Math.round(1_000 / measured.median(side)).toLocaleString('en')}/s`;
  return [
    {
      ...{ what: 'fleet: a command, median', value: time('fleet median'), against: `socket ${time('socket median')}` },
      ...{ ratio: measured.ratio('fleet median', 'socket median'), maximum: 8 },
    },
    {
      ...{ what: 'fleet: commands, 8 in flight', value: rate('fleet each'), against: `socket ${rate('socket each')}` },
      ...{ ratio: measured.ratio('socket each', 'fleet each'), minimum: 0.2 },
    },
  ];
}

async function memory() {
  const measured = await alternate(1, {
    one: () => inProcess(SIDES, 'memory', { vms: 1 }),
    many: () => inProcess(SIDES, 'memory', { vms: 1_000 }),
  });
  const more = (measured.most('many') - measured.most('one')) / 1e6;
  return [
    {
      what: 'fleet: resident memory of an agent with 1,000 idle VMs above one with 1, FakeQemus included, MB',
      ...{ value: `${(measured.most('many') / 1e6).toFixed(0)} MB` },
      ...{ against: `${(measured.most('one') / 1e6).toFixed(0)} MB`, ratio: more, maximum: 100 },
    },
  ];
}

async function many() {
  const measured = await alternate(1, { many: () => inProcess(SIDES, 'many', { hosts: 10, vms: 1_000 }) });
  const row = (what, of, maximum) => ({
    ...{ what, value: `${(measured.most(`many ${of}`) / 1_000).toFixed(1)} s` },
    ...{ ratio: measured.most(`many ${of}`) / 1_000, maximum },
  });
  return [
    row('fleet: 10 agents with 1,000 VMs each, from their start until all are stored and listed as ready, s', 'up', 20),
    row('fleet: the first list of 10,000 VMs, s', 'list', 1),
  ];
}

async function reading(rounds, seconds) {
  const rate = 4_000;
  const measured = await alternate(rounds, {
    all: () => inProcess(SIDES, 'reading', { rate, seconds }),
    some: () => inProcess(SIDES, 'reading', { rate, seconds, names: ['STOP'] }),
  });
  const wanted = (rate * seconds) / 10;
  const processor = (side) => `${measured.median(`${side} processor`).toFixed(0)} ms`;
  return [
    {
      what: 'fleet: events got by one who wants 10 % of 4,000/s, to those that were sent',
      ...{
        value: String(measured.median('some events')),
        against: `${wanted} sent, ${measured.median('some messages')} messages with beats`,
      },
      ...{ ratio: measured.median('some events') / wanted, minimum: 1, maximum: 1 },
    },
    {
      what: 'fleet: its processor time, to one who wants all',
      ...{ value: processor('some'), against: processor('all') },
      ...{ ratio: measured.ratio('some processor', 'all processor'), maximum: 0.8 },
    },
  ];
}

async function killed(rounds) {
  const measured = await alternate(rounds, { killed: () => inProcess(SIDES, 'killed', { beat: BEAT }) });
  return [
    {
      what: 'fleet: until the VMs of a killed host are unknown, beats of 1 s, s',
      ...{
        value: `${(measured.most('killed') / 1_000).toFixed(1)} s`,
        ratio: measured.most('killed') / 1_000,
        maximum: 4,
      },
    },
  ];
}
