import { filter, firstValueFrom } from 'rxjs';
import type { QmpClient } from 'rx-qmp';
import { createHub, type Hub, type HubOptions } from 'rx-qmp/node';
import { FakeQemu } from 'rx-qmp/testing';
import { temporaryFolder } from '../support/temporary-folder.js';
import { OPERATOR, RawClient, VIEWER, type RawOptions } from './raw-client.js';

export interface HubUnderTest {
  readonly hub: Hub;
  readonly fake: FakeQemu;
  /** What the hub has sent to the VM since it was ready, as it went over the wire. */
  readonly wire: readonly string[];
  /** Of the VM `vm1`. */
  readonly url: string;
  /** What the hub logged. */
  readonly log: readonly string[];
  /** Resolves when a line of the log matches. */
  readonly logged: (pattern: RegExp) => Promise<void>;
  /** Greeted and negotiated. */
  readonly client: (options?: RawOptions, enable?: readonly string[]) => Promise<RawClient>;
}

const open: { close(): Promise<void> }[] = [];

/** Closes whatever a test opened. */
export async function closeAll(): Promise<void> {
  for (const one of open.splice(0).reverse()) await one.close();
}

export function closeLater<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one);
  return one;
}

/** A folder that {@link closeAll} removes. */
export function newFolder(): string {
  const folder = temporaryFolder();
  closeLater({
    close: () => {
      folder.remove();
      return Promise.resolve();
    },
  });
  return folder.path;
}

/** A hub on a free port with one VM, `vm1`, a FakeQemu that runs; closed by {@link closeAll}. */
export async function startHub(options: HubOptions = {}, fake: FakeQemu = new FakeQemu()): Promise<HubUnderTest> {
  const log: string[] = [];
  const waiting = new Set<() => void>();
  const write = (line: string): void => {
    log.push(line);
    for (const look of waiting) look();
  };
  const hub = closeLater(
    await createHub({
      port: 0,
      ...(options.noToken
        ? {}
        : {
            tokens: [
              { role: 'operator', token: OPERATOR },
              { role: 'viewer', token: VIEWER },
            ],
          }),
      logger: { debug: write, info: write, warn: write },
      ...options,
    }),
  );
  const logged = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!log.some((line) => pattern.test(line))) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const wire: string[] = [];
  hub.add('vm1', async (signal) => {
    const connection = await fake.connector(signal);
    return {
      incoming$: connection.incoming$,
      send: (text) => {
        wire.push(String(text));
        connection.send(text);
      },
      close: () => {
        connection.close();
      },
    };
  });
  await until(
    () =>
      hub.vms.every(({ state }) => state === 'ready') && fake.received.some(({ execute }) => execute === 'query-jobs'),
  );
  wire.length = 0;
  const url = `${hub.url}/vms/vm1`;
  const client = async (
    clientOptions: RawOptions = { token: OPERATOR },
    enable: readonly string[] = [],
  ): Promise<RawClient> => closeLater(await RawClient.negotiated(url, clientOptions, enable));
  return { hub, fake, wire, url, log, logged, client };
}

/** What the hub asks for itself, whoever is there. */
const OWN = ['qmp_capabilities', 'query-status', 'query-jobs'];

/** The names of the commands of clients that came through to QEMU, but for those that the hub asks for itself, too. */
export function passedOn(fake: FakeQemu): string[] {
  return fake.received
    .map((command) => command.execute ?? `oob ${String(command['exec-oob'])}`)
    .filter((name) => !OWN.includes(name));
}

/** Resolves when the client's state is in the phase. */
export async function phase(client: QmpClient, name: QmpClient['state']['phase']): Promise<void> {
  await firstValueFrom(client.state$.pipe(filter((state) => state.phase === name)));
}

/** Resolves when the condition holds, which it looks at between turns of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

/** Whether the promise has resolved so far. */
export function happened(event: Promise<unknown>): () => boolean {
  let done = false;
  void event.then(() => (done = true));
  return () => done;
}
