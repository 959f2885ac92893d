import { alternate, inProcess } from '../measure.js';

const SIDES = new URL('./sides.js', import.meta.url);
const CHURN = new URL('./churn.js', import.meta.url);
const PEERS = {
  subject: 'Subject',
  filters: 'Subject with filter()s',
  mapOfSubjects: 'Map of Subjects',
  mittSide: 'mitt 3',
  eventEmitter: 'EventEmitter',
  emittery: 'emittery 2',
};

/** One event to one listener. @param {import('../main.js').Scale} scale */
export async function dispatch({ rounds, quick }) {
  const names = ['listener', 'unread', 'listenerOfSubject', 'observe', 'put', ...Object.keys(PEERS)];
  const measured = await sides(
    rounds,
    names.map((name) => [name, name, 1]),
    quick,
  );
  const row = (what, side, by) => ({
    what,
    value: time(measured.median(side)),
    against: `${PEERS[by]} ${time(measured.median(by))}`,
    ratio: measured.ratio(side, by),
  });
  return [
    { ...row('event → history, queue and view of a listener, through the bus', 'listener', 'subject'), maximum: 2.5 },
    row('the same, its queue full', 'unread', 'subject'),
    row('the same, the bus fed by a Subject', 'listenerOfSubject', 'subject'),
    row('event → observe(name)', 'observe', 'subject'),
    row('(listener.put() without a bus)', 'put', 'subject'),
    ...Object.keys(PEERS)
      .slice(1)
      .map((peer) => row('event → listener, through the bus', 'listener', peer)),
  ];
}

/** One event beside more and more listeners. @param {import('../main.js').Scale} scale */
export async function listeners({ rounds, quick }) {
  const counts = [1, 10, 100, 1_000, 10_000];
  const peers = ['filters', 'mapOfSubjects', 'mittSide', 'eventEmitter'];
  const wanted = [
    ...counts.map((count) => [`observe ${count}`, 'observe', count]),
    ...(quick ? [1_000] : counts).map((count) => [`filters ${count}`, 'filters', count]),
    ...peers.slice(1).map((peer) => [`${peer} 1000`, peer, 1_000]),
    ['emittery 1000', 'emittery', 1_000],
  ];
  const measured = await sides(rounds, wanted, quick);
  const time1 = time(measured.median('observe 1'));
  return [
    ...counts.slice(1).map((count) => ({
      what: `event with ${count.toLocaleString('en')} listeners on as many names, one matching`,
      value: time(measured.median(`observe ${count}`)),
      against: `with 1 ${time1}`,
      ratio: measured.ratio(`observe ${count}`, 'observe 1'),
      ...(count === 1_000 && { maximum: 1.2 }),
    })),
    ...(quick ? [1_000] : counts).map((count) => ({
      what: `event with ${count.toLocaleString('en')} listeners, times faster than as many filter()s`,
      value: time(measured.median(`observe ${count}`)),
      against: `filters ${time(measured.median(`filters ${count}`))}`,
      ratio: measured.ratio(`filters ${count}`, `observe ${count}`),
      ...(count === 1_000 && { minimum: 250 }),
    })),
    ...['mapOfSubjects', 'mittSide', 'eventEmitter', 'emittery'].map((peer) => ({
      what: 'event with 1,000 listeners, one matching',
      value: time(measured.median('observe 1000')),
      against: `${PEERS[peer]} ${time(measured.median(`${peer} 1000`))}`,
      ratio: measured.ratio('observe 1000', `${peer} 1000`),
    })),
  ];
}

/** Scoped listeners that come and go. @param {import('../main.js').Scale} scale */
export async function churn({ rounds, quick }) {
  const milliseconds = quick ? 100 : 400;
  const beside = (others, fresh) => () => inProcess(CHURN, 'churn', { others, milliseconds, fresh });
  const measured = await alternate(rounds, {
    10: beside(10, false),
    10_000: beside(10_000, false),
    'fresh 10': beside(10, true),
    'fresh 10000': beside(10_000, true),
  });
  const row = (what, many, few) => ({
    what,
    value: time(measured.median(many)),
    against: `beside 10 ${time(measured.median(few))}`,
    ratio: measured.ratio(many, few),
    maximum: 1.5,
  });
  return [
    row('observe(): subscribe, event, unsubscribe, beside 10,000 others', '10000', '10'),
    row('the same, a new name each time', 'fresh 10000', 'fresh 10'),
  ];
}

function sides(rounds, wanted, quick) {
  const milliseconds = quick ? 100 : 300;
  return alternate(
    rounds,
    Object.fromEntries(
      wanted.map(([key, side, listeners]) => [key, () => inProcess(SIDES, side, { listeners, milliseconds })]),
    ),
  );
}

/** @param {number} nanoseconds */
function time(nanoseconds) {
  return nanoseconds < 10_000 ? `${Math.round(nanoseconds)} ns` : `${(nanoseconds / 1000).toFixed(1)} µs`;
}
