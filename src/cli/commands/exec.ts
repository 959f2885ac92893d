import { Command, Option } from 'commander';
import { ADDRESS, addressOptions, type AddressOptions } from '../addresses.js';
import { parseArguments } from '../command-arguments.js';
import { commandsFrom, argumentsFrom } from '../command-input.js';
import { executeTold } from '../execute-told.js';
import { seconds } from '../options.js';
import { resultText } from '../result-text.js';
import { withClient } from '../with-client.js';

interface ExecOptions extends AddressOptions {
  readonly timeout: number;
  readonly raw?: boolean;
}

export function execCommand(): Command {
  const command = new Command('exec')
    .argument('<address>', ADDRESS)
    .argument('<command>', 'the name of a QMP command; - reads whole commands from stdin, {"execute": …}')
    .argument('[arguments...]', 'key=value, with dots for levels; or one JSON object; or - to read that from stdin')
    .addOption(
      new Option('-t, --timeout <seconds>', 'how long to wait for each reply').argParser(seconds).default(60_000, '60'),
    )
    .option('-r, --raw', 'print a text as it is, not as JSON: that of human-monitor-command, say')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp exec unix:/run/vm1.qmp query-status
  $ rx-qmp exec unix:/run/vm1.qmp blockdev-create job-id=job1 options.driver=file options.filename=/tmp/a.img options.size=1048576
  $ rx-qmp exec unix:/run/vm1.qmp device_del '{"id": "net0"}'
  $ rx-qmp exec unix:/run/vm1.qmp human-monitor-command --raw command-line='info block'
  $ rx-qmp exec unix:/run/vm1.qmp set_password - < password.json
  $ echo '{"execute": "stop"} {"execute": "cont"}' | rx-qmp exec unix:/run/vm1.qmp -

A value that reads as JSON is taken as such; write id='"1"' for the text 1. If QEMU answers with an error, it goes to stderr and
the exit code is 1. What is read from stdin is seen by no other user of this machine, as arguments are.`,
    )
    .action(exec);
  return addressOptions(command);
}

async function exec(address: string, command: string, words: string[], options: ExecOptions): Promise<void> {
  const { timeout, raw = false } = options;
  const requests =
    command === '-'
      ? await commandsFrom(process.stdin, words)
      : [{ command, args: words[0] === '-' ? await argumentsFrom(process.stdin, words) : parseArguments(words) }];
  await withClient(address, { ...options, client: { executeTimeout: timeout } }, async (client, signal) => {
    for (const request of requests) {
      const result = await executeTold(client, request, signal);
      process.stdout.write(`${resultText(result, raw)}\n`);
    }
  });
}
