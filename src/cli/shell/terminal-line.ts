import { clearScreenDown, cursorTo, moveCursor, type Interface } from 'node:readline';

/** Writes above the line that is being typed, which stays as it is, wherever the cursor stands in it. */
export function writeAbove(line: Interface, output: NodeJS.WriteStream, text: string): void {
  if (!line.terminal) {
    output.write(`${text}\n`);
    return;
  }
  const { rows } = line.getCursorPos();
  moveCursor(output, 0, -rows);
  cursorTo(output, 0);
  clearScreenDown(output);
  output.write(`${text}\n`);
  startsHere(line);
  line.prompt(true);
}

/** Leaves what has been typed where it stands, as a shell does after Ctrl-C, and begins an empty line below it. */
export function leaveTyped(line: Interface, output: NodeJS.WriteStream, mark: string): void {
  line.write(null, { ctrl: true, name: 'e' });
  output.write(`${mark}\n`);
  startsHere(line);
  line.write(null, { ctrl: true, name: 'u' });
}

/** How far the last refresh left the cursor below the prompt: readline has no other way to learn that this is over. */
function startsHere(line: Interface): void {
  (line as { prevRows?: number }).prevRows = 0;
}
