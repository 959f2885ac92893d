import type { Socket } from 'node:net';
import type { Connection } from '../connection.js';
import { keepLastWords, LateWriting } from './last-words.js';
import { streamConnection, type Reading } from './stream-connection.js';

/**
 * A connection over an open socket, which delivers all that came before its end (see {@link keepLastWords}).
 *
 * @param reading of a socket that has an `onread` of ours
 */
export function socketConnection(socket: Socket, reading?: Reading): Connection {
  keepLastWords(socket);
  return reading
    ? streamConnection(socket, socket, reading)
    : streamConnection(socket, socket, undefined, new LateWriting(socket));
}
