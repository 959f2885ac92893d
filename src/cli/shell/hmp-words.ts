import type { QmpClient } from '../../client/qmp-client.js';

/** The commands of QEMU's monitor for people, as its own help lists them: `stop`, `info block`. None where there is no such monitor. */
export async function hmpWords(client: QmpClient): Promise<readonly string[]> {
  const ask = (line: string): Promise<string> =>
    client.execute('human-monitor-command', { 'command-line': line }).catch(() => '');
  const help = [await ask('help'), await ask('help info')].join('\n');
  return [...new Set(help.split('\n').flatMap(wordsIn))];
}

/** `c|cont  -- resume emulation` has two. */
function wordsIn(line: string): string[] {
  const [, info = '', names = ''] = /^(info )?(\w[\w|-]*)(?=\s)/.exec(line) ?? [];
  return names === '' ? [] : names.split('|').map((name) => `${info}${name}`);
}
