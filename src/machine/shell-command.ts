import { randomBytes } from 'node:crypto';

/** How a shell command ended, and what it and its children wrote to the console. */
export interface ShellResult {
  /** The exit code of the command. */
  readonly code: number;
  /** Its output, with `\n` as line end; the latest 1 MiB if there is more. */
  readonly output: string;
}

/** A command as it is typed, and how to find its result in what comes back. */
export interface MarkedCommand {
  readonly line: string;
  readonly end: RegExp;
  resultOf(before: string, end: RegExpExecArray): ShellResult;
}

/** BusyBox takes 1,023 characters a line. */
const LINE_LIMIT = 1_000;

/** @throws TypeError | RangeError if it cannot be typed */
export function markedCommand(command: string): MarkedCommand {
  if (typeof command !== 'string' || command.trim() === '') throw new TypeError('command must be a shell command');
  // A tab would complete a file's name, and others do worse.
  if (/[\u0000-\u0008\u0009\u000b-\u001f\u007f]/.test(command)) {
    throw new TypeError('command has control characters other than line feeds; they would act on the terminal');
  }
  // The shell echoes what is typed: the quotes keep the echo from being taken for the mark itself.
  const mark = randomBytes(6).toString('hex');
  const typed = (letter: string): string => `echo rx-qmp-'${mark}'${letter}`;
  const line = ` ${typed('a')}; sh -c '${command.replaceAll("'", String.raw`'\''`)}' </dev/null; ${typed('z')}$?\n`;
  if (line.length > LINE_LIMIT) {
    throw new RangeError(
      `command is too long for a console by ${line.length - LINE_LIMIT} characters; guestExec() of rx-qmp/guest takes longer ones`,
    );
  }
  const begin = new RegExp(`rx-qmp-${mark}a\\r*\\n`);
  return {
    line,
    end: new RegExp(`rx-qmp-${mark}z(\\d+)\\r*\\n`),
    resultOf: (before, [, code]) => {
      const begun = begin.exec(before);
      const output = begun ? before.slice(begun.index + begun[0].length) : before;
      return { code: Number(code), output: output.replace(/\r+\n/g, '\n') };
    },
  };
}
