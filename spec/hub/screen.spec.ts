import { createHub } from 'rx-qmp/node';
import { describeQemu, startQemu } from '../support/qemu.js';
import { closeAll, closeLater, until } from './hub-under-test.js';
import { get, OPERATOR, VIEWER } from './raw-client.js';

afterEach(closeAll);

const tokens = [
  { role: 'operator', token: OPERATOR },
  { role: 'viewer', token: VIEWER, screen: true },
] as const;

describeQemu('GET /vms/NAME/screen', () => {
  async function start(...args: string[]): Promise<string> {
    const qemu = await startQemu(args);
    closeLater({ close: () => qemu.stop() });
    const hub = closeLater(await createHub({ port: 0, vms: { vm1: qemu.address }, tokens }));
    await until(() => hub.vms[0]?.state === 'ready');
    return `${hub.url}/vms/vm1/screen`;
  }

  it('gives the picture to a token with screen, and to no other (H9)', async () => {
    const url = await start('-machine', 'pc', '-vga', 'std');
    const { status, headers, body } = await get(url, { Authorization: `Bearer ${VIEWER}` });
    expect([status, headers['content-type']]).toEqual([200, 'image/png']);
    expect(body).toContain('PNG');
    expect((await get(url, { Authorization: `Bearer ${OPERATOR}` })).status).toBe(403);
  });

  it('says why there is none, in the words of QEMU', async () => {
    const answer = await get(await start(), { Authorization: `Bearer ${VIEWER}` });
    expect(answer).toMatchObject({ status: 502, body: expect.stringContaining('There is no console') as string });
  });
});
