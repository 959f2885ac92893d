import { QmpClient } from 'rx-qmp';
import { unixSocket } from 'rx-qmp/node';
import { startEventServers } from './event-server.js';
import { liveHeap, mebibytes } from './heap.js';
import { PATIENCE, scale, survived } from './scale.js';

const CLIENTS = scale(50, 500);

describe('many clients', () => {
  it(
    'keeps a client for each of many servers, and leaves no handle',
    async () => {
      const server = await startEventServers(CLIENTS, 1);
      const handlesBefore = process.getActiveResourcesInfo().length;
      const atStart = liveHeap();
      const clients = server.paths.map((path) => new QmpClient(unixSocket(path)));
      const heard = clients.map((client) => client.events.get({ timeout: 30_000 }));
      const began = performance.now();
      await Promise.all(clients.map((client) => client.connect()));
      await Promise.all(heard);
      const took = performance.now() - began;
      const perClient = (liveHeap() - atStart) / CLIENTS;
      await Promise.all(clients.map((client) => client.execute('query-status')));
      await Promise.all(clients.map((client) => client.close()));
      while (process.getActiveResourcesInfo().length > handlesBefore) await new Promise(setImmediate);
      expect(perClient).toBeLessThan(256 * 1024);
      survived(
        `${CLIENTS} clients in one process: connected, and an event heard by each, in ${took.toFixed(0)} ms; ` +
          `${(perClient / 1024).toFixed(1)} KiB of heap for each (${mebibytes(perClient * CLIENTS)}); no handle left`,
      );
      await server.stop();
    },
    PATIENCE,
  );
});
