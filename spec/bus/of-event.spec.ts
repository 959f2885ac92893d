import { from, Subject, toArray, firstValueFrom, type Observable } from 'rxjs';
import { ofEvent, type Message, type QmpEvent } from 'rx-qmp';
import { eventOf, openBus } from '../support/bus-events.js';

function collect<T>(events$: Observable<T>): Promise<T[]> {
  return firstValueFrom(events$.pipe(toArray()));
}

describe('ofEvent', () => {
  it('lets the events with its names through, in order', async () => {
    const events = ['STOP', 'RESUME', 'RESET', 'STOP'].map((name) => eventOf(name));
    await expect(collect(from(events).pipe(ofEvent('STOP')))).resolves.toEqual([events[0], events[3]]);
    await expect(collect(from(events).pipe(ofEvent('STOP', 'RESUME')))).resolves.toEqual([
      events[0],
      events[1],
      events[3],
    ]);
    await expect(collect(from(events).pipe(ofEvent()))).resolves.toEqual([]);
  });

  it('lets no reply, greeting or odd event through', async () => {
    const stop = eventOf('STOP');
    const messages = [
      { return: {} },
      { error: { class: 'GenericError', desc: '' } },
      { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 }, package: '' }, capabilities: [] } },
      { event: 5 },
      stop,
    ] as unknown as Message[];
    await expect(collect(from(messages).pipe(ofEvent('STOP')))).resolves.toEqual([stop]);
  });

  it('works behind the view of a bus, and passes its end on', () => {
    const { bus, emit } = openBus();
    const seen: QmpEvent[] = [];
    let completed = false;
    bus.events$.pipe(ofEvent('STOP')).subscribe({
      next: (event) => {
        seen.push(event);
      },
      complete: () => {
        completed = true;
      },
    });
    const stop = emit('STOP');
    emit('RESUME');
    bus.close();
    expect([seen, completed]).toEqual([[stop], true]);
  });

  it('passes an error on', async () => {
    const source = new Subject<Message>();
    const all = collect(source.pipe(ofEvent('STOP')));
    source.error(new Error('mine'));
    await expect(all).rejects.toThrow('mine');
  });
});
