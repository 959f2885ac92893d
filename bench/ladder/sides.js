// From JSON.parse alone to a whole client, one step more each: nanoseconds of processor time per event. The bytes are the same
// everywhere, in chunks of 64 KiB.
import { Observable } from 'rxjs';
import { QmpClient } from '../../dist/index.js';
import { Framing } from '../../dist/protocol/framing.js';
import { nanosecondsPerTurn } from '../in-a-loop.js';
import { NAME, POOL, lines } from '../wire/events.js';

const CHUNK = 64 * 1024;
/** @type {import('../../dist/protocol/framing.js').FramingOptions} */
const OPTIONS = { name: 'bench', maxMessageBytes: 64 * 1024 * 1024, integers: 'number' };
const all = lines();
const bytes = Buffer.from(all.join(''));
const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, index) =>
  bytes.subarray(index * CHUNK, (index + 1) * CHUNK),
);

let heard = 0;

/** @param {() => (() => void) | Promise<() => void>} prepare gives what deals with all {@link POOL} events once */
function side(prepare) {
  return async (/** @type {{ milliseconds: number }} */ { milliseconds }) => {
    const turn = await prepare();
    const perTurn = await nanosecondsPerTurn(milliseconds, (count) => {
      for (let index = 0; index < count; index += 1) turn();
    });
    if (heard === 0) throw new Error('nobody heard anything');
    return perTurn / POOL;
  };
}

const hear = (message) => {
  if (message.event === NAME) heard += 1;
};

export const parse = side(() => () => {
  for (const line of all) hear(JSON.parse(line));
});

export const splitAndParse = side(() => () => {
  let rest = '';
  for (const chunk of chunks) {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) hear(JSON.parse(line));
  }
});

/** @param {boolean} batching */
function framing(batching) {
  return side(() => {
    const framing = new Framing(OPTIONS, { message: hear, diagnostic: () => undefined }, batching);
    return () => {
      for (const chunk of chunks) framing.push(chunk);
    };
  });
}

export const framingByLine = framing(false);
export const framingInBatches = framing(true);

/** A client over a connection in memory, an `observe(name)` at its end. */
export const client = side(async () => {
  let server;
  const incoming$ = new Observable((subscriber) => {
    server = subscriber;
    subscriber.next(
      '{"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}, "capabilities": []}}\r\n',
    );
  });
  const connection = { incoming$, send: () => server.next('{"return": {}, "id": 1}\r\n'), close: () => undefined };
  const client = new QmpClient(() => Promise.resolve(connection));
  client.observe(NAME).subscribe(hear);
  await client.connect();
  return () => {
    for (const chunk of chunks) server.next(chunk);
  };
});
