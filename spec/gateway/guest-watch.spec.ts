import { FakeQemu } from 'rx-qmp/testing';
import { Vm } from '../../src/gateway/vm.js';
import { ScriptedAgent, type Asked } from '../guest/scripted-agent.js';

const interfaces = (...addresses: string[]): object[] => [
  { name: 'lo', 'ip-addresses': [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'ipv4', prefix: 8 }] },
  {
    name: 'eth0',
    'ip-addresses': addresses.map((address) => ({ 'ip-address': address, 'ip-address-type': 'ipv4', prefix: 24 })),
  },
];

let fake: FakeQemu;
let agent: ScriptedAgent;
let vm: Vm;
let log: string[];
let changes: (readonly string[] | undefined)[];

beforeEach(() => {
  jest.useFakeTimers();
  fake = new FakeQemu();
  agent = new ScriptedAgent();
  [log, changes] = [[], []];
  const write = (line: string): void => {
    log.push(line);
  };
  vm = new Vm('vm1', fake.connector, { debug: write, warn: write }, agent.connector);
  vm.subscribe({
    event: () => undefined,
    changed: ({ addresses }) => changes.push(addresses),
    ended: () => undefined,
  });
});

afterEach(async () => {
  await vm.close();
  jest.useRealTimers();
});

/** From now on it answers with these addresses. */
function answering(...addresses: string[]): void {
  agent.onAsked = (asked: Asked) => {
    agent.answer(asked, interfaces(...addresses));
  };
}

const after = (milliseconds: number): Promise<void> => jest.advanceTimersByTimeAsync(milliseconds);

describe("the addresses of a VM's guest (H15)", () => {
  it('are asked when the session begins and each minute, the line being free in between (H15)', async () => {
    answering('10.0.0.7', 'fe80::1', '10.0.0.7');
    vm.start();
    await after(1);
    expect(vm.info.addresses).toEqual(['10.0.0.7']);
    expect(agent.closed).toBe(1);
    answering('10.0.0.8', '2001:db8::8');
    await after(59_000);
    expect(vm.info.addresses).toEqual(['10.0.0.7']);
    await after(1_000);
    expect(vm.info.addresses).toEqual(['10.0.0.8', '2001:db8::8']);
    expect(changes.at(-1)).toEqual(['10.0.0.8', '2001:db8::8']);
    expect(agent.closed).toBe(2);
    await after(600_000);
    expect(agent.asked).toHaveLength(12);
  });

  it('are absent while the agent is silent, which is told once; they come with the agent (H15)', async () => {
    agent.silent = true;
    vm.start();
    await after(600_000);
    expect(vm.info).toMatchObject({ state: 'ready' });
    expect(vm.info.addresses).toBeUndefined();
    expect(log.filter((line) => line.includes('no addresses'))).toEqual([
      expect.stringContaining('vm1: no addresses: cannot connect to the agent of vm1: ') as string,
    ]);
    agent.silent = false;
    answering('10.0.0.7');
    await after(60_000);
    expect(vm.info.addresses).toEqual(['10.0.0.7']);
    agent.silent = true;
    await after(80_000);
    expect(vm.info.addresses).toBeUndefined();
    expect(changes.at(-1)).toBeUndefined();
  });

  it('are asked at once when the guest opens a port: an agent has begun (H15)', async () => {
    agent.silent = true;
    vm.start();
    await after(30_000);
    agent.silent = false;
    answering('10.0.0.7');
    fake.emit('VSERPORT_CHANGE', { id: 'qga', open: false });
    await after(1);
    expect(vm.info.addresses).toBeUndefined();
    fake.emit('VSERPORT_CHANGE', { id: 'qga', open: true });
    await after(1);
    expect(vm.info.addresses).toEqual(['10.0.0.7']);
  });

  it('go with the session to QEMU, and nothing is asked without one (H15)', async () => {
    answering('10.0.0.7');
    vm.start();
    await after(1);
    fake.kill();
    await after(1);
    expect(vm.info).toMatchObject({ state: 'gone' });
    expect(vm.info.addresses).toBeUndefined();
    const asked = agent.asked.length;
    await after(600_000);
    expect(agent.asked).toHaveLength(asked);
    fake.restart();
    await after(5_000);
    expect(vm.info.addresses).toEqual(['10.0.0.7']);
  });

  it('end with the VM also while the agent owes an answer (H15)', async () => {
    vm.start();
    await after(1);
    expect(agent.asked).toHaveLength(1);
    await vm.close();
    await after(1);
    expect(agent.closed).toBe(1);
    expect(vm.info.addresses).toBeUndefined();
  });

  it.each([
    ['no list', 'addresses'],
    ['a list of anything', [1, null, { name: 'eth0', 'ip-addresses': 5 }]],
    ['a refusal', undefined],
  ])('are absent where the guest answers with %s (H15)', async (_what, result) => {
    agent.onAsked = (asked) => {
      if (result === undefined) agent.refuse(asked, 'disabled');
      else agent.answer(asked, result);
    };
    vm.start();
    await after(1);
    expect(vm.info.state).toBe('ready');
    expect(vm.info.addresses).toBeUndefined();
  });

  it('are addresses and nothing else, and 32 at the most, whatever the guest says (H15)', async () => {
    answering(
      '<script>',
      '10.0.0.7 ',
      ...Array.from({ length: 1_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`),
    );
    vm.start();
    await after(1);
    expect(vm.info.addresses).toHaveLength(32);
    expect(vm.info.addresses?.slice(0, 2)).toEqual(['10.0.0.0', '10.0.0.1']);
  });
});
