// The agent of one host: `node agent.cjs HOST SERVERS FOLDER VMS BEAT RATE AHEAD`. Its clock runs RATE times as fast as the others',
// and its wall clock is AHEAD milliseconds ahead. Told anything, it answers how many events wait for the log.
const { join } = require('node:path');

const [host = '', servers = '', folder = ''] = process.argv.slice(2, 5);
const [vms = 0, beat = 0, rate = 0, ahead = 0] = process.argv.slice(5).map(Number);

function bendClocks() {
  const { now: monotonic } = performance;
  performance.now = () => monotonic.call(performance) * rate;
  const { now: wall } = Date;
  Date.now = () => wall() + ahead;
  const { setInterval: every, setTimeout: after } = globalThis;
  Object.assign(globalThis, {
    setInterval: (run, delay, ...rest) => every(run, delay / rate, ...rest),
    setTimeout: (run, delay, ...rest) => after(run, delay / rate, ...rest),
  });
}

async function main() {
  if (rate !== 1 || ahead !== 0) bendClocks();
  const { connect } = await import('@nats-io/transport-node');
  const { createAgent } = await import('../../../dist/agent.js');
  const nats = await connect({
    ...{ servers: servers.split(','), maxReconnectAttempts: -1, reconnectTimeWait: 100, waitOnFirstConnect: true },
    timeout: 2_000,
  });
  const warn = (text) => process.stderr.write(`${host}: ${text}\n`);
  const names = Array.from({ length: vms }, (_, at) => `vm${at + 1}`);
  const agent = await createAgent({
    ...{ nats, host, beat, allow: ['human-monitor-command'] },
    vms: Object.fromEntries(names.map((name) => [name, `unix:${join(folder, name)}`])),
    logger: { debug: () => undefined, warn },
  });
  void agent.ended.then((why) => {
    warn(`ended: ${why?.message ?? 'in order'}`);
    process.exit(75);
  });
  process.on('message', () => {
    const waiting = Number(/log_waiting (\d+)/.exec(agent.metrics())?.[1]);
    process.send?.(waiting);
  });
  process.send?.('ready');
}

void main();
