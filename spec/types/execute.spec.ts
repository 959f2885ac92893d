/* eslint-disable rxjs-x/no-floating-observables, @typescript-eslint/no-meaningless-void-operator -- nothing here runs */
import type { Observable } from 'rxjs';
import { QmpClient, type CommandMap, type CommandName, type CommandResult, type Connector, type Qapi } from 'rx-qmp';
import { compiles, expectType } from '../support/expect-type.js';

describe('the type of execute', () => {
  it('gives the result that the map says', () => {
    compiles(async (client: QmpClient) => {
      const status = await client.execute('query-status');
      expectType<CommandMap['query-status']['result']>()(status);
      expectType<boolean>()(status.running);
      expectType<CommandResult<'query-status'>>()(status);
      expectType<Observable<CommandResult<'query-status'>>>()(client.execute$('query-status'));
      // @ts-expect-error -- a name with a typo
      void status.runing;
      // @ts-expect-error -- it is read only
      status.running = true;
    });
  });

  it('asks for arguments where the command requires them, and only there', () => {
    compiles(async (client: QmpClient) => {
      await client.execute('stop');
      await client.execute('stop', undefined, { timeout: 5 });
      await client.execute('job-dismiss', { id: 'job0' });
      await client.execute('job-dismiss', { id: 'job0' }, { timeout: 5, signal: AbortSignal.abort(), oob: false });
      await client.execute('blockdev-create', { 'job-id': 'j', options: { driver: 'file', filename: 'f', size: 5n } });
      // every argument is optional
      await client.execute('query-blockstats');
      await client.execute('query-blockstats', { 'query-nodes': true });
      // @ts-expect-error -- needs an id
      await client.execute('job-dismiss');
      // @ts-expect-error -- needs an id
      await client.execute('job-dismiss', {});
      // @ts-expect-error -- an id is a string
      await client.execute('job-dismiss', { id: 5 });
      // @ts-expect-error -- has no such argument
      await client.execute('job-dismiss', { id: 'job0', force: true });
      // @ts-expect-error -- needs arguments
      client.execute$('blockdev-create');
      // @ts-expect-error -- a file has a size
      await client.execute('blockdev-create', { 'job-id': 'j', options: { driver: 'file', filename: 'f' } });
    });
  });

  it('takes an empty object where nothing is required (C17)', () => {
    compiles(async (client: QmpClient, nothing: Record<string, never> | undefined) => {
      await client.execute('stop', {});
      await client.execute('stop', {}, { timeout: 5 });
      await client.execute('stop', nothing);
      await client.execute('query-blockstats', {});
      await client.execute('query-block', {});
      // @ts-expect-error -- there is no such argument
      await client.execute('stop', { force: true });
    });
  });

  it('takes undefined for what is optional, also under exactOptionalPropertyTypes', () => {
    compiles(async (client: QmpClient, speed: number | undefined, timeout: number | undefined) => {
      await client.execute('block-stream', { device: 'd', speed });
      await client.execute('query-blockstats', { 'query-nodes': undefined });
      await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'n', size: speed });
      await client.execute('stop', undefined, { timeout });
      // @ts-expect-error -- it is required
      await client.execute('job-dismiss', { id: undefined });
    });
  });

  it('takes a plain object whose tag is written as a literal', () => {
    const node = { driver: 'qcow2', file: 'node0', 'node-name': 'node1' } as const;
    const user = { type: 'user', id: 'net0' } satisfies Qapi.Netdev;
    const widened = { driver: 'qcow2', file: 'node0' };
    compiles(async (client: QmpClient) => {
      await client.execute('blockdev-add', node);
      await client.execute('netdev_add', user);
      // @ts-expect-error -- any string
      await client.execute('blockdev-add', widened);
    });
  });

  it('takes back what a query gave', () => {
    compiles(async (client: QmpClient) => {
      const parameters = await client.execute('query-migrate-parameters');
      await client.execute('migrate-set-parameters', parameters);
      await client.execute('migrate-set-parameters', { ...parameters, 'max-bandwidth': 5n });
      await client.execute('migrate-set-capabilities', {
        capabilities: await client.execute('query-migrate-capabilities'),
      });
    });
  });

  it('goes out of band only where the schema allows it', () => {
    compiles(async (client: QmpClient, command: string, oob: boolean) => {
      await client.execute('migrate-pause', undefined, { oob: true });
      await client.execute('yank', { instances: [{ type: 'migration' }] }, { oob });
      await client.execute(command, undefined, { oob: true });
      await client.execute('stop', undefined, { oob: false });
      // @ts-expect-error -- QEMU would refuse it
      await client.execute('stop', undefined, { oob: true });
      // @ts-expect-error -- QEMU would refuse it
      client.execute$('job-dismiss', { id: 'job0' }, { oob: true });
    });
  });

  it('refuses options in the place of arguments', () => {
    compiles(async (client: QmpClient) => {
      // @ts-expect-error -- options come third
      await client.execute('stop', { timeout: 5 });
      // @ts-expect-error -- options come third
      await client.execute('query-blockstats', { timeout: 5 });
      // @ts-expect-error -- options come third
      await client.execute('job-dismiss', { timeout: 5 });
      // @ts-expect-error -- there is no such option
      await client.execute('stop', undefined, { retries: 5 });
    });
  });

  it('refuses a command that is not listed and lets a string pass', () => {
    compiles(async (client: QmpClient, command: string, listed: CommandName) => {
      // @ts-expect-error -- a name with a typo
      await client.execute('query-staus');
      // @ts-expect-error -- a name with a typo
      client.execute$('query-staus');
      expectType<unknown>()(await client.execute(command));
      expectType<unknown>()(await client.execute(command, { any: 'thing' }, { timeout: 5 }));
      // @ts-expect-error -- arguments are an object
      await client.execute(command, 'thing');
      return listed;
    });
  });

  it('knows the commands of the map that its connector brings', () => {
    interface OtherMap {
      'say-hello': { arguments: { to: string }; result: { heard: boolean } };
      bye: { arguments: undefined; result: null };
    }
    compiles(async (connector: Connector<OtherMap>, plain: Connector, pause: (client: QmpClient) => void) => {
      const client = new QmpClient(connector);
      expectType<QmpClient<OtherMap>>()(client);
      expectType<{ heard: boolean }>()(await client.execute('say-hello', { to: 'you' }));
      expectType<null>()(await client.execute('bye'));
      // @ts-expect-error -- a command of the other map
      await client.execute('query-status');
      // @ts-expect-error -- needs arguments
      client.execute$('say-hello');
      // @ts-expect-error -- a client of another map
      pause(client);
      pause(new QmpClient(plain));
      pause(new QmpClient(() => Promise.reject(new Error())));
    });
  });

  it('works behind a generic wrapper', () => {
    type NoArguments = {
      [C in CommandName]: CommandMap[C]['arguments'] extends undefined ? C : never;
    }[CommandName];
    compiles((client: QmpClient) => {
      const query = (command: NoArguments): Promise<unknown> => client.execute(command);
      return query('query-status');
    });
  });
});
