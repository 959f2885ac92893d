// A test of what runs in one process has 10 s, also on a busy machine, since it waits for what it needs and not for time to pass.
// Those that start programs or a compiler, or open a thousand sockets, have more.
const SLOW =
  /\/spec\/(?:(?:cli|e2e|fleet|generate|guests|hub|libvirt|machine|nats|qemu|torture|types)\/|testing\/guide|[a-z-]+\.spec)/;

if (SLOW.test(expect.getState().testPath ?? '')) jest.setTimeout(60_000);
