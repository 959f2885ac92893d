import { arch } from 'node:process';

const OWN_ARCHITECTURE: Readonly<Record<string, string>> = { x64: 'qemu-system-x86_64', arm64: 'qemu-system-aarch64' };

/** The name of the QEMU for this machine's own architecture; undefined where that is not known. */
export const ownEmulator: string | undefined = OWN_ARCHITECTURE[arch];
