// A QMP server in a process of its own: `node tick-server.cjs FOLDER SERVERS EVENTS`. It makes SERVERS unix sockets in the
// folder and sends EVENTS numbered events to each client once it has asked for the capabilities, as fast as the client reads.
const { createServer } = require('node:net');
const { join } = require('node:path');

const [folder, servers, events] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}\n';
const BATCH = 500;

function sendEvents(socket) {
  let sent = 0;
  const more = () => {
    while (sent < events) {
      let lines = '';
      for (const end = Math.min(sent + BATCH, events); sent < end; sent += 1) {
        const seconds = Math.floor(sent / 1_000_000);
        lines += `{"timestamp": {"seconds": ${seconds}, "microseconds": ${sent % 1_000_000}}, "event": "TICK", "data": {"n": ${sent}}}\n`;
      }
      if (!socket.write(lines)) {
        socket.once('drain', more);
        return;
      }
    }
  };
  more();
}

let listening = 0;
for (let index = 0; index < servers; index += 1) {
  createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(GREETING);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const { execute, id } = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        socket.write(`${JSON.stringify({ return: {}, id })}\n`);
        if (execute === 'qmp_capabilities') sendEvents(socket);
      }
    });
  }).listen(join(folder, `${index}`), () => {
    listening += 1;
    if (listening === servers) process.send?.('listening');
  });
}
