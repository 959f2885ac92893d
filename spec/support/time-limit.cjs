// A test of what runs in one process has 10 s, also on a busy machine, since it waits for what it needs and not for time to pass.
// Those that start programs or a compiler, or open a thousand sockets, have more.
const SLOW =
  /\/spec\/(?:(?:cli|e2e|fleet|generate|hub|libvirt|machine|nats|qemu|torture|types)\/|testing\/guide|[a-z-]+\.spec)/;

// A guest boots in 10 s where it has a core, and several boot in one test.
const path = expect.getState().testPath ?? '';
if (path.includes('/spec/guests/')) jest.setTimeout(180_000);
else if (SLOW.test(path)) jest.setTimeout(60_000);
