import { connect } from 'node:net';
import { WebSocketServer } from 'ws';

/**
 * What one writes in ten minutes: a monitor's lines go to every WebSocket, one message each, unread. It checks nobody, answers
 * nothing, and a reader that stops costs it memory without end.
 *
 * @param {string} path of the monitor
 */
export async function startRelay(path) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await new Promise((resolve) => server.once('listening', resolve));
  const monitor = connect(path);
  let rest = '';
  monitor.setEncoding('utf8');
  monitor.write('{"execute": "qmp_capabilities", "id": 1}\n');
  monitor.on('data', (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) for (const client of server.clients) client.send(`${line}\n`);
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}` };
}
