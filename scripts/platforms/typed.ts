import { EventListener, QmpClient, ofEvent, type QmpEvent } from 'rx-qmp';
import { connect, createHub, unixSocket } from 'rx-qmp/node';
import { guestExec } from 'rx-qmp/guest';
import { FakeQemu, qmpMarbles } from 'rx-qmp/testing';

declare module 'rx-qmp' {
  interface EventMap {
    VENDOR_EVENT: { readonly n: number };
  }
}

export const listener = new EventListener('VENDOR_EVENT', ({ data }) => data.n > 1);
// @ts-expect-error -- no such event
export const wrong = new EventListener('VENDOR_EVENTS');
export const client = new QmpClient(new FakeQemu().connector);
export const status = async (): Promise<string> => (await (await connect('unix:/x')).execute('query-status')).status;
export const reasons: string[] = [];
client.events$.pipe(ofEvent('SHUTDOWN')).subscribe((event: QmpEvent<'SHUTDOWN'>) => reasons.push(event.data.reason));
export { createHub, guestExec, qmpMarbles, unixSocket };
