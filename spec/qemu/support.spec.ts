import { existsSync } from 'node:fs';
import { connect } from 'rx-qmp/node';
import { describeQemu, startQemu } from '../support/qemu.js';

describeQemu('startQemu', () => {
  it('gives a monitor that answers, and leaves nothing behind', async () => {
    const qemu = await startQemu(['-name', 'one']);
    const client = await connect(qemu.address);
    expect(await client.execute('query-name')).toEqual({ name: 'one' });
    await client.close();
    await qemu.stop();
    expect(existsSync(qemu.path)).toBe(false);
  });

  it('fails with what QEMU said when it does not start', async () => {
    await expect(startQemu(['-no-such-option'])).rejects.toThrow(/invalid option/);
  });
});
