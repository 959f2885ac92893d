import { Command, Option } from 'commander';
import { ExecuteError } from '../../protocol/errors.js';
import { format } from '../../protocol/json.js';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { parseArguments } from '../command-arguments.js';
import { seconds } from '../options.js';
import { note, printable } from '../terminal.js';
import { withClient } from '../with-client.js';

interface ExecOptions extends AddressOptions {
  readonly timeout: number;
}

export function execCommand(): Command {
  const command = new Command('exec')
    .argument('<address>', ADDRESS)
    .argument('<command>', 'the name of a QMP command')
    .argument('[arguments...]', 'key=value, with dots for levels; or one JSON object')
    .addOption(
      new Option('-t, --timeout <seconds>', 'how long to wait for the reply').argParser(seconds).default(60_000, '60'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp exec unix:/run/vm1.qmp query-status
  $ rx-qmp exec unix:/run/vm1.qmp blockdev-create job-id=job1 options.driver=file options.filename=/tmp/a.img options.size=1048576
  $ rx-qmp exec unix:/run/vm1.qmp device_del '{"id": "net0"}'

A value that reads as JSON is taken as such; write id='"1"' for the text 1. If QEMU answers with an error, it goes to stderr and
the exit code is 1.`,
    )
    .action(exec);
  return addressOptions(command);
}

async function exec(address: string, command: string, words: string[], options: ExecOptions): Promise<void> {
  const args = parseArguments(words);
  await withClient(address, { ...options, client: { executeTimeout: options.timeout } }, async (client, signal) => {
    try {
      const result = format(await client.execute(command, args, { signal }));
      for (const line of result.split('\n')) process.stdout.write(`${printable(line)}\n`);
    } catch (error) {
      if (!(error instanceof ExecuteError)) throw error;
      note(printable(`${error.errorClass}: ${error.desc}`));
      process.exitCode = 1;
    }
  });
}
