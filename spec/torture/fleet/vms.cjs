// The QEMUs of one host, in a process of their own, so that they outlive their agent:
// `node vms.cjs FOLDER VMS EVENTS_PER_SECOND`. Each VM emits numbered events to whoever is connected, from when it is told anything to
// when it is told anything again, and notes what it runs. It answers with its journal.
const { join } = require('node:path');

const [folder = ''] = process.argv.slice(2);
const [vms = 0, rate = 0] = process.argv.slice(3).map(Number);
const TICK = 10;
/** One event in so many has another name. */
const RARE = 10;

const now = () => Number(process.hrtime.bigint()) / 1e6;

async function main() {
  const { FakeQemu } = await import('../../../dist/testing.js');
  const { serve } = await import('../../../dist/node.js');
  const journal = [];
  const machines = [];
  for (let vm = 1; vm <= vms; vm += 1) {
    const qemu = new FakeQemu();
    /** @type {{ emitted: number[], rare: number[], ran: [string, number][] }} */
    const noted = { emitted: [], rare: [], ran: [] };
    qemu.on('human-monitor-command', (args) => {
      noted.ran.push([args['command-line'], now()]);
      return '';
    });
    await serve(qemu.connector, `unix:${join(folder, `vm${vm}`)}`);
    journal.push(noted);
    machines.push({ qemu, noted });
  }
  let timer;
  const begin = () => {
    const start = now();
    timer = setInterval(() => {
      const due = Math.floor(((now() - start) * rate) / 1000);
      for (const { qemu, noted } of machines) {
        while (noted.emitted.length < due) {
          const n = noted.emitted.push(now());
          if (n % RARE > 0) qemu.emit('RTC_CHANGE', { offset: n, 'qom-path': '/rtc' });
          else qemu.emit('DEVICE_DELETED', { device: `${noted.rare.push(now())}`, path: `${n}` });
        }
      }
    }, TICK);
  };
  process.on('message', () => {
    if (timer === undefined) begin();
    else clearInterval(timer);
    process.send?.(journal);
  });
  process.send?.('ready');
}

void main();
