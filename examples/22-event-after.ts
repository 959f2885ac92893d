// The event after an action: eventAfter() listens, acts, and resolves when the event is here and the action is done.
// → RESET: host-qmp-system-reset
// → EventTimeoutError: nothing came
import { EventTimeoutError, eventAfter } from 'rx-qmp';
import { launch } from 'rx-qmp/node';

await using vm = await launch(['-machine', 'none', '-display', 'none'], { grace: 0 });
const { client } = vm;

const { event, data } = await eventAfter(client, 'RESET', () => client.execute('system_reset'));
console.log(`${event}: ${data.reason}`);

await eventAfter(client, 'STOP', () => client.execute('query-status'), { timeout: 100 }).catch((error: unknown) => {
  if (!(error instanceof EventTimeoutError)) throw error;
  console.log(`${error.name}: nothing came`);
});
