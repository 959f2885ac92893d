import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { filter, takeUntil, fromEvent } from 'rxjs';
import { isEvent } from '../../protocol/message.js';
import { playback } from '../../testing/transcript/playback.js';
import { replay as replayConnector } from '../../testing/transcript/replay.js';
import { readTranscript } from '../../testing/transcript/transcript.js';
import { serve } from '../../transport/node/serve.js';
import { eventLine } from '../event-line.js';
import { aborted, interruptSignal } from '../interrupt.js';
import { note } from '../terminal.js';

interface ReplayOptions {
  readonly speed: number;
  readonly listen?: string;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  return new Command('replay')
    .argument('<file>', 'as written by rx-qmp record')
    .option('-s, --speed <times>', 'how many times faster than it was; max for all at once', parseSpeed, 1)
    .option('-l, --listen <address>', 'serve it there instead of printing: unix:PATH or tcp:HOST:PORT')
    .option('--json', 'JSON lines, as in a pipe')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp replay vm1.jsonl --speed 10
  $ rx-qmp replay vm1.jsonl --listen unix:/tmp/replay.qmp &
  $ rx-qmp watch unix:/tmp/replay.qmp

Each client that connects is served the next session of the recording. Ctrl-C ends it.`,
    )
    .action(replay);
}

function parseSpeed(text: string): number {
  const speed = text === 'max' ? Infinity : Number(text);
  if (!(speed > 0)) throw new InvalidArgumentError('It must be a number above 0, or max.');
  return speed;
}

async function replay(path: string, { speed, listen, json = false }: ReplayOptions): Promise<void> {
  const transcript = readTranscript(await readFile(path, 'utf8'));
  const signal = interruptSignal();
  if (listen !== undefined) {
    const served = await serve(replayConnector(transcript, { speed }), listen);
    note(`serving ${path} at ${served.address}`);
    await aborted(signal);
    await served.close();
    return;
  }
  await new Promise<void>((resolve, reject) => {
    playback(transcript, { speed })
      .pipe(filter(isEvent), takeUntil(fromEvent(signal, 'abort')))
      .subscribe({
        next: (event) => {
          process.stdout.write(`${eventLine(path, event, json)}\n`);
        },
        error: reject,
        complete: resolve,
      });
  });
}
