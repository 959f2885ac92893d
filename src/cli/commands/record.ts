import { open } from 'node:fs/promises';
import type { WriteStream } from 'node:fs';
import { Command } from 'commander';
import { filter, firstValueFrom } from 'rxjs';
import { QmpClient } from '../../client/qmp-client.js';
import { record as recordLines } from '../../testing/transcript/record.js';
import type { Connector } from '../../transport/connection.js';
import { serve } from '../../transport/node/serve.js';
import { ADDRESS, addressOptions, connectorFor, type AddressOptions } from '../addresses.js';
import { aborted, interruptSignal } from '../interrupt.js';
import { recordingConnector } from '../recording-connector.js';
import { count, note } from '../terminal.js';

interface RecordOptions extends AddressOptions {
  readonly listen?: string;
}

export function recordCommand(): Command {
  const command = new Command('record')
    .argument('<address>', ADDRESS)
    .argument('<file>', 'must not be there yet; is for your eyes only')
    .option(
      '-l, --listen <address>',
      'record what a program of yours does that connects there: unix:PATH or tcp:HOST:PORT',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp record unix:/run/vm1.qmp vm1.jsonl
  $ rx-qmp record unix:/run/vm1.qmp vm1.jsonl --listen unix:/tmp/front.qmp

Without --listen it is a client itself, and records the events; Ctrl-C, or the end of the VM, ends it. With --listen it stands
between QEMU and each client that connects there, and records both directions, until Ctrl-C. Known secrets are blanked.`,
    )
    .action(record);
  return addressOptions(command);
}

async function record(address: string, path: string, options: RecordOptions): Promise<void> {
  const connector = await connectorFor(address, options);
  const file = await open(path, 'wx', 0o600);
  const output = file.createWriteStream();
  const failed = new Promise<never>((_resolve, reject) => {
    output.once('error', reject);
  });
  let messages = 0;
  const write = (line: string): void => {
    messages += 1;
    output.write(`${line}\n`);
  };
  try {
    const recording =
      options.listen === undefined ? recordEvents(connector, write) : recordClients(connector, options.listen, write);
    await Promise.race([recording, failed]);
  } finally {
    await ended(output);
    note(`${count(messages, 'message')} in ${path}`);
  }
}

/** Until the VM ends, or Ctrl-C. */
async function recordEvents(connector: Connector, write: (line: string) => void): Promise<void> {
  const signal = interruptSignal();
  const client = new QmpClient(connector);
  recordLines(client).subscribe(write);
  try {
    await client.connect({ signal });
    const closed = firstValueFrom(client.state$.pipe(filter(({ phase }) => phase === 'closed')));
    const state = await Promise.race([closed, aborted(signal)]);
    if (state?.phase === 'closed' && state.cause) throw state.cause;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await client.close();
  }
}

/** Until Ctrl-C. */
async function recordClients(connector: Connector, listen: string, write: (line: string) => void): Promise<void> {
  const served = await serve(recordingConnector(connector, write), listen);
  note(`recording what connects to ${served.address}`);
  await aborted(interruptSignal());
  await served.close();
}

function ended(output: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (output.errored) resolve();
    else output.end(resolve);
  });
}
