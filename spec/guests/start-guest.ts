import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { spawnQemu, type Qemu } from '../support/qemu.js';
import { guestFiles } from './guest-files.js';

export interface GuestOptions {
  /** Added to the command line: the devices that the test wants. Paths are relative to the guest's folder. */
  readonly args?: readonly string[];
  /** Added to the kernel's command line; `noacpid` and `noqga` leave those out. */
  readonly append?: string;
  /** As after `-machine`. @default 'q35,accel=tcg' */
  readonly machine?: string;
  /** As after `-m`. @default '192M' */
  readonly memory?: string;
}

export interface Guest extends Omit<Qemu, 'stop'> {
  readonly serial: GuestSerial;
  /** Resolves when the guest is up, which takes some 10 s. */
  ready(): Promise<void>;
  /** The unix socket of the guest agent, whose port has the chardev `qga`. */
  readonly agentPath: string;
}

/** How a guest's kernel is started, as words for QEMU's command line. */
export function kernelArguments(append = ''): string[] {
  const { kernel, initrd } = guestFiles();
  const words = ['console=ttyS0', 'quiet', 'noresume', 'tsc=unstable', append];
  return ['-kernel', kernel, '-initrd', initrd, '-append', words.join(' ').trim()];
}

/** A QEMU with a Linux guest. Resolves when its monitor is there; `ready()` when the guest is up. */
export async function startGuest({ args = [], append, machine, memory = '192M' }: GuestOptions = {}): Promise<Guest> {
  const qemu = await spawnQemu([
    ...['-machine', machine ?? 'q35,accel=tcg', '-m', memory, '-nodefaults', '-no-user-config', '-display', 'none'],
    ...kernelArguments(append),
    ...['-chardev', 'socket,id=serial,path=serial,server=on,wait=off', '-serial', 'chardev:serial'],
    ...['-device', 'virtio-serial-pci', '-chardev', 'socket,id=qga,path=qga,server=on,wait=off'],
    ...['-device', 'virtserialport,chardev=qga,name=org.qemu.guest_agent.0'],
    ...args,
  ]);
  const socket = connect(join(qemu.folder, 'serial'));
  await once(socket, 'connect');
  const serial = new GuestSerial(socket);
  const kill = async (): Promise<void> => {
    await qemu.kill();
    socket.destroy();
  };
  return { ...qemu, serial, agentPath: join(qemu.folder, 'qga'), ready: () => serial.prompt(), kill };
}

/** Milliseconds in which a guest must have done anything that is asked of it, on the slowest machine. */
const PATIENCE = 150_000;

/** A shell on the guest's serial port. */
export class GuestSerial {
  /** All that the guest has written so far. */
  text = '';
  #read = 0;
  readonly #socket: Socket;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      this.#wake?.();
    });
    socket.on('error', () => undefined).on('close', () => this.#wake?.());
  }

  /** Resolves with the first match in what the guest wrote after the last one; rejects when QEMU is gone before, or nothing comes. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const match = pattern.exec(this.text.slice(this.#read));
      if (match) {
        this.#read += match.index + match[0].length;
        return match;
      }
      if (this.#socket.closed) throw new Error(`QEMU ended without ${String(pattern)}:\n${this.text}`);
      if (Date.now() > deadline) throw new Error(`the guest did not write ${String(pattern)}:\n${this.text}`);
      const tooLate = setTimeout(() => this.#wake?.(), deadline - Date.now() + 1);
      await new Promise<void>((resolve) => (this.#wake = resolve));
      clearTimeout(tooLate);
    }
  }

  /** Resolves when the shell takes commands. */
  async prompt(): Promise<void> {
    await this.until(/GUEST-READY[^]*# /);
  }

  /** Types a line whose end nobody waits for. */
  type(line: string): void {
    this.#socket.write(`${line}\n`);
  }

  /** Types a command into the shell and resolves with what it printed. */
  async run(command: string): Promise<string> {
    const number = (commands += 1);
    // The shell echoes what is typed, broken where its line is full: the marks are cut in two there.
    this.#socket.write(`echo be''gin${number}; ${command}; echo do''ne${number}\n`);
    const [, output = ''] = await this.until(new RegExp(`begin${number}\\s*\\n([^]*?)done${number}`));
    return output.trim();
  }
}

let commands = 0;
