import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { median } from '../measure.js';
import { Screen } from './screen.js';

const CHROMIUM = process.env.RX_QMP_CHROMIUM ?? '/usr/bin/chromium';
const PAGE = new URL('../../dist/dashboard/index.html', import.meta.url);

/** What an operator's second screen costs, in a real Chromium. @param {import('../main.js').Scale} scale */
export async function dashboard({ rounds, quick }) {
  if (!existsSync(CHROMIUM) || !existsSync(PAGE)) {
    process.stderr.write(`SKIPPED: it needs ${CHROMIUM} and \`npm run build:dashboard\`\n`);
    return [];
  }
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const rows = [];
    for (const count of [300, 3_000]) {
      const hub = await BenchHub.start(count);
      try {
        const firsts = [];
        for (let round = 0; round < Math.min(rounds, 5); round += 1) {
          const screen = await Screen.open(browser, hub.url);
          firsts.push(screen.first);
          await screen.close();
          process.stderr.write('.');
        }
        rows.push(atMost(`dashboard, ${count} VMs: from the address to the list, s`, median(firsts) / 1000, 's', 1));
        if (count === 300) rows.push(...(await whileOpen(browser, hub, quick)));
      } finally {
        hub.close();
      }
    }
    return rows;
  } finally {
    process.stderr.write('\n');
    await browser.close();
  }
}

/** @param {import('playwright-core').Browser} browser @param {BenchHub} hub @param {boolean} quick */
async function whileOpen(browser, hub, quick) {
  const screen = await Screen.open(browser, hub.url);
  const seconds = quick ? 3 : 10;
  const busy = await screen.busyWhile(() => hub.do({ order: 'emit', perSecond: 50, milliseconds: 1000 * seconds }));
  const [empty, scrolling] = await screen.framesWhileScrolling(seconds);
  const back = [];
  for (let round = 0; round < 5; round += 1) {
    await hub.do({ order: 'kill' });
    await screen.shows('vm0', 'gone');
    const [ready, seen] = await Promise.all([hub.do({ order: 'restart' }), screen.shows('vm0', 'running')]);
    back.push(seen - ready);
  }
  process.stderr.write('.');
  // Two hours fill what has a bound; the third must not add to it.
  await hub.do({ order: 'hour', perSecond: 50 });
  await hub.do({ order: 'hour', perSecond: 50 });
  const before = await screen.heap();
  await hub.do({ order: 'hour', perSecond: 50 });
  const after = await screen.heap();
  await screen.close();
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    {
      what: 'dashboard, 300 VMs, 50 events/s: part of the time its main thread is idle',
      value: `${(100 * (1 - busy)).toFixed(0)} %`,
      ratio: 1 - busy,
      minimum: 0.9,
    },
    {
      what: 'dashboard, 300 VMs: frames a second while the list scrolls, to those of an empty page',
      value: `${scrolling.toFixed(0)}/s`,
      against: `empty ${empty.toFixed(0)}/s`,
      ratio: scrolling / empty,
      minimum: 0.95,
    },
    atMost(
      'dashboard: from a session to the VM until its line says so, longest of 5, s',
      Math.max(...back) / 1000,
      's',
      0.5,
    ),
    {
      what: 'dashboard: heap after three hours at 50 events/s, to that after two',
      value: megabytes(after),
      against: megabytes(before),
      ratio: after / before,
      maximum: 1.1,
    },
  ];
}

/** @param {string} what @param {number} value @param {string} unit @param {number} maximum */
function atMost(what, value, unit, maximum) {
  return { what, value: `${value.toFixed(2)} ${unit}`, ratio: value, maximum };
}

/** hub.js in a process of its own. */
class BenchHub {
  /** @param {import('node:child_process').ChildProcess} child @param {string} url */
  constructor(child, url) {
    this.child = child;
    this.url = url;
  }

  /** @param {number} count */
  static async start(count) {
    const child = fork(new URL('./hub.js', import.meta.url), [String(count)]);
    return new BenchHub(child, await answer(child));
  }

  /** @param {{ order: string, [member: string]: unknown }} order */
  do(order) {
    const answered = answer(this.child);
    this.child.send(order);
    return answered;
  }

  close() {
    this.child.disconnect();
  }
}

/** @param {import('node:child_process').ChildProcess} child @returns {Promise<any>} */
function answer(child) {
  return new Promise((resolve, reject) => {
    const ended = (code) => {
      reject(new Error(`the hub ended with ${code}`));
    };
    child.once('exit', ended);
    child.once('message', (/** @type {{ value: unknown }} */ { value }) => {
      child.off('exit', ended);
      resolve(value);
    });
  });
}
