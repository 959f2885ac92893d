import { fileURLToPath } from 'node:url';

/** The built page, beside the built command line. */
export const DASHBOARD: string = fileURLToPath(new URL('../dashboard', import.meta.url));
