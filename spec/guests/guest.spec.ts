import { connect } from 'rx-qmp/node';
import { describeGuest } from './guest-files.js';
import { startGuest, type Guest } from './start-guest.js';

describeGuest('the guest of the tests', () => {
  let guest: Guest;
  beforeAll(async () => {
    guest = await startGuest();
    await guest.ready();
  });
  afterAll(() => guest.kill());

  it('runs commands on its serial port', async () => {
    expect(await guest.serial.run('echo $((6 * 7))')).toBe('42');
  });

  it('has its agent', async () => {
    const client = await connect(guest.address);
    const port = (await client.execute('query-chardev')).find(({ label }) => label === 'qga');
    await client.close();
    expect(port).toMatchObject({ 'frontend-open': true });
  });
});
