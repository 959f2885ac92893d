// So many readers of one VM, or of all.
import { Reader } from './reader.js';
import { input, serve } from '../helper.js';

const { url, tokens, count, negotiate = true } = input();
/** @type {Reader[]} */
const readers = [];
while (readers.length < count) {
  const token = tokens[Math.floor(readers.length / 190) % tokens.length];
  readers.push(await (negotiate ? Reader.negotiated(url, token) : Reader.open(url, token)));
}

const cutOff = () => readers.filter(({ ended }) => ended).length;

serve(async ({ until, stop, ask, gone, report }) => {
  if (stop) for (const { socket } of readers) socket.pause();
  // Who has stopped reading learns of its end by what it writes only.
  else if (ask) {
    for (let turn = 0; turn < ask; turn += 1) for (const reader of readers) reader.send('{"execute":"query-large"}');
  } else if (until !== undefined) {
    await Promise.all(readers.map((reader) => reader.until(() => reader.bytes >= until)));
  } else if (gone) for (const { socket } of readers) socket.destroy();
  return { cutOff: cutOff(), ...(report && { bytes: readers.map(({ bytes }) => bytes) }) };
});
