import { spawnSync } from 'node:child_process';

/** A program that tests need, the package that has it, and the variable by which its absence is a failure. */
export interface Needed {
  readonly program: string;
  readonly package: string;
  readonly variable: string;
}

export const QEMU_GA: Needed = {
  program: 'qemu-ga',
  package: 'qemu-guest-agent',
  variable: 'RX_QMP_REQUIRE_GUEST_AGENT',
};

export const LIBVIRTD: Needed = { program: 'libvirtd', package: 'libvirt-daemon', variable: 'RX_QMP_REQUIRE_LIBVIRT' };

export const QMP_PROXY: Needed = {
  program: 'virt-qemu-qmp-proxy',
  package: 'libvirt-clients-qemu',
  variable: 'RX_QMP_REQUIRE_LIBVIRT',
};

export const SYSTEMD: Needed = {
  program: 'systemd-analyze',
  package: 'systemd',
  variable: 'RX_QMP_REQUIRE_SYSTEMD',
};

/** Every Debian has it; it is the other end of a unix datagram socket, which Node does not have. */
export const PERL: Needed = { program: 'perl', package: 'perl-base', variable: 'RX_QMP_REQUIRE_SYSTEMD' };

export const NGINX: Needed = { program: 'nginx', package: 'nginx-light', variable: 'RX_QMP_REQUIRE_PROXIES' };

export const CADDY: Needed = { program: 'caddy', package: 'caddy', variable: 'RX_QMP_REQUIRE_PROXIES' };

/** `describe` for what needs these programs. Where one is missing it is skipped, and says so; with its variable set it fails. */
export function describeWith(needed: readonly Needed[], name: string, fn: () => void): void {
  const missing = needed.find(({ program }) => spawnSync(program, ['--version']).error);
  if (!missing) {
    describe(name, fn);
    return;
  }
  const lack = `${missing.program} is not installed (Debian's package: ${missing.package})`;
  if (process.env[missing.variable] === '1') {
    describe(name, () => {
      it(`has ${missing.program}`, () => {
        throw new Error(`${lack}, and ${missing.variable}=1 asks for it`);
      });
    });
  } else {
    process.stderr.write(`SKIPPED, ${lack}: ${name}\n`);
    describe.skip(name, fn);
  }
}

/** Says that a test is skipped for want of something; throws the error, if the variable is set. */
export function skipped(error: unknown, variable: string, lack: string, what: string): void {
  if (process.env[variable] === '1') throw error;
  process.stderr.write(`SKIPPED, ${lack}: ${what}\n`);
}
