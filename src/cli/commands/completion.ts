import { Argument, Command } from 'commander';
import type { CommandEntry } from '../command-entry.js';
import { candidates } from '../completion-words.js';

/** Each asks `rx-qmp completion words LINE` for what may stand at the end of the line up to the cursor. */
const SCRIPTS: Readonly<Record<string, string>> = {
  // Bash takes what stands behind a colon for a word of its own.
  bash: `_rx_qmp() {
  local line="\${COMP_LINE:0:COMP_POINT}" word prefix=
  word="\${line##*[[:space:]]}"
  [[ "$word" == *:* ]] && prefix="\${word%:*}:"
  mapfile -t COMPREPLY < <(rx-qmp completion words "$line" 2>/dev/null)
  COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
}
complete -o nospace -F _rx_qmp rx-qmp`,
  zsh: `#compdef rx-qmp
_rx_qmp() {
  local -a words_found
  words_found=("\${(@f)$(rx-qmp completion words "\${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
  compadd -Q -S '' -a words_found
}
compdef _rx_qmp rx-qmp`,
  fish: `complete -c rx-qmp -f -a '(rx-qmp completion words (commandline -cp | string collect) 2>/dev/null)'`,
};

export function completionCommand(commands: Readonly<Record<string, CommandEntry>>): Command {
  return new Command('completion')
    .addArgument(new Argument('<shell>', 'which script to print').choices([...Object.keys(SCRIPTS), 'words']))
    .argument('[line]', 'for words: the line up to the cursor')
    .addHelpText(
      'after',
      `
Examples:
  $ rx-qmp completion bash >> ~/.bashrc
  $ rx-qmp completion zsh >> ~/.zshrc
  $ rx-qmp completion fish > ~/.config/fish/completions/rx-qmp.fish

It completes commands, options, the names of QMP commands and events, and the paths of sockets. The script asks 'rx-qmp completion
words LINE', which prints what may stand at the end of that line.`,
    )
    .action(async (shell: string, line: string | undefined) => {
      const script = SCRIPTS[shell];
      const lines = script === undefined ? await candidates(line ?? '', commands) : [script];
      for (const one of lines) process.stdout.write(`${one}\n`);
    });
}
