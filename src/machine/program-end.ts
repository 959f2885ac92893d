import { execFile } from 'node:child_process';

/** What must not outlive the program. */
interface Killable {
  kill(signal: NodeJS.Signals): void;
}

/** The signals that end a program by default and that people send. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const running = new Set<Killable>();

/** Ends the process by SIGTERM when the program ends, by a signal or otherwise; call what it returns once it is gone. */
export function endWithProgram(process: Killable): () => void {
  if (running.size === 0) watch();
  running.add(process);
  return () => {
    if (running.delete(process) && running.size === 0) unwatch();
  };
}

function watch(): void {
  process.on('exit', endAll);
  for (const signal of SIGNALS) process.on(signal, endBySignal);
}

function unwatch(): void {
  process.off('exit', endAll);
  for (const signal of SIGNALS) process.off(signal, endBySignal);
}

function endAll(): void {
  for (const one of running) one.kill('SIGTERM');
}

/** Who listens to the signal, too, ends things in the way it wants to; the end of the program comes after that. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  endAll();
  unwatch();
  process.kill(process.pid, signal);
}

let parentDeathSignal: Promise<readonly string[]> | undefined;

/**
 * The words before a command that make the kernel send it SIGTERM when the program is gone, SIGKILL included; none where that
 * cannot be had: it takes Linux, and util-linux's setpriv.
 */
export function bindToProgram(): Promise<readonly string[]> {
  const words = ['setpriv', '--pdeathsig', 'TERM'];
  const [program = '', ...args] = words;
  parentDeathSignal ??= new Promise((resolve) => {
    // BusyBox has a setpriv, too, that cannot do it.
    if (process.platform !== 'linux') resolve([]);
    else {
      execFile(program, [...args, 'true'], (error) => {
        resolve(error ? [] : [...words, '--']);
      });
    }
  });
  return parentDeathSignal;
}
