import { Command } from 'commander';
import { ExecuteError } from '../../protocol/errors.js';
import { format } from '../../protocol/json.js';
import { connect } from '../../client/node/connect.js';
import { parseArguments } from '../command-arguments.js';
import { note, printable } from '../terminal.js';

export function execCommand(): Command {
  return new Command('exec')
    .description('run one command and print what it returns as JSON')
    .argument('<address>', 'unix:PATH or tcp:HOST:PORT')
    .argument('<command>', 'the name of a QMP command')
    .argument('[arguments...]', 'key=value, with dots for levels; or one JSON object')
    .option('-t, --timeout <seconds>', 'how long to wait for the reply', Number, 60)
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
}

async function exec(
  address: string,
  command: string,
  words: string[],
  { timeout }: { timeout: number },
): Promise<void> {
  const args = parseArguments(words);
  const client = await connect(address, { integers: 'exact', executeTimeout: timeout * 1000 });
  try {
    const result = format(await client.execute(command, args));
    for (const line of result.split('\n')) process.stdout.write(`${printable(line)}\n`);
  } catch (error) {
    if (!(error instanceof ExecuteError)) throw error;
    note(printable(`${error.errorClass}: ${error.desc}`));
    process.exitCode = 1;
  } finally {
    await client.close();
  }
}
