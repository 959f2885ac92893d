import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, getuid } from 'node:process';
import { exit, socketAt } from '../support/qemu.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** "nobody": as root there is no session. */
const UID = 65534;
const URI = 'qemu:///session';

export interface DomainOptions {
  /** A kernel and its initial file system, to be started. */
  /** More devices, as XML. */
  readonly devices?: string;
  readonly guest?: { readonly kernel: string; readonly initrd: string; readonly append: string };
}

/** A libvirtd of its own, in session mode, as another user where this one is root. */
export class SessionDaemon {
  readonly folder = temporaryFolder();
  readonly socket: string = join(this.folder.path, 'run/libvirt/libvirt-sock');
  /** As `LIBVIRT_DEFAULT_URI` has it, for a process of any user. */
  readonly uri: string = `qemu+unix:///session?socket=${this.socket}`;
  readonly options: { readonly uri: string; readonly socket: string } = { uri: URI, socket: this.socket };
  #child: ChildProcess | undefined;

  async start(): Promise<void> {
    for (const name of ['', 'home', 'run', 'run/libvirt']) this.#own(join(this.folder.path, name), true);
    this.#child = this.spawn('libvirtd', []);
    await socketAt(this.socket, AbortSignal.timeout(20_000));
  }

  /** Ends the daemon; its domains run on. */
  async stop(): Promise<void> {
    if (!this.#child) return;
    const gone = exit(this.#child);
    this.#child.kill();
    await gone;
    this.#child = undefined;
  }

  /** Ends the daemon and its domains. */
  async close(): Promise<void> {
    for (const name of this.virsh('list', '--name').split('\n').filter(Boolean)) {
      try {
        this.virsh('destroy', name);
      } catch (error) {
        // It may have ended by itself meanwhile.
        if (this.virsh('list', '--name').split('\n').includes(name)) throw error;
      }
    }
    await this.stop();
    this.folder.remove();
  }

  /** @returns what it prints */
  virsh(...args: string[]): string {
    const [program = '', ...rest] = this.#words('virsh', ['-c', URI, ...args]);
    return execFileSync(program, rest, { encoding: 'utf8', env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  spawn(program: string, args: readonly string[]): ChildProcess {
    const [first = '', ...rest] = this.#words(program, args);
    return spawn(first, rest, { env: this.#environment, stdio: 'ignore', cwd: this.folder.path });
  }

  /** A domain is made known; `create` starts it, too. */
  domain(what: 'define' | 'create', name: string, { guest, devices = '' }: DomainOptions = {}): void {
    const boot = guest ? this.#boot(guest) : '';
    const path = join(this.folder.path, `${name}.xml`);
    writeFileSync(
      path,
      `<domain type="qemu">
        <name>${name}</name>
        <memory unit="MiB">${guest ? 192 : 16}</memory>
        <os><type arch="x86_64" machine="${guest ? 'q35' : 'pc'}">hvm</type>${boot}</os>
        <features><acpi/></features>
        <devices>
          <emulator>/usr/bin/qemu-system-x86_64</emulator>
          <channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
          <memballoon model="none"/>${devices}
        </devices>
      </domain>`,
    );
    this.virsh(what, path);
  }

  #boot({ kernel, initrd, append }: NonNullable<DomainOptions['guest']>): string {
    const [own, ownInitrd] = ['kernel', 'initrd'].map((name) => join(this.folder.path, name)) as [string, string];
    copyFileSync(kernel, own);
    copyFileSync(initrd, ownInitrd);
    return `<kernel>${own}</kernel><initrd>${ownInitrd}</initrd><cmdline>${append}</cmdline>`;
  }

  get #environment(): NodeJS.ProcessEnv {
    const { LIBVIRT_DEFAULT_URI: _, ...rest } = env;
    return { ...rest, HOME: join(this.folder.path, 'home'), XDG_RUNTIME_DIR: join(this.folder.path, 'run') };
  }

  #words(program: string, args: readonly string[]): string[] {
    const as = ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', '--'];
    return [...(getuid?.() === 0 ? as : []), program, ...args];
  }

  #own(path: string, folder: boolean): void {
    if (folder) mkdirSync(path, { recursive: true });
    if (getuid?.() === 0) chownSync(path, UID, UID);
  }
}
