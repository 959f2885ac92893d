// What a fleet is compared with: passes each line of a monitor on to NATS, unread.
import { connect as connectSocket } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { input, serve } from '../helper.js';

const { url, path } = input();
const nats = await connect({ servers: url });
let rest = '';
const socket = connectSocket(path);
socket.setEncoding('utf8');
socket.write('{"execute": "qmp_capabilities", "id": 0}\n');
socket.on('data', (chunk) => {
  const parts = (rest + chunk).split('\n');
  rest = parts.pop() ?? '';
  for (const line of parts) nats.publish('relay', line);
});
serve(() => undefined);
