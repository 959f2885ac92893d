import { Subject } from 'rxjs';
import { DisconnectedError, EventBus, EventListener, ListenerError, type Message, type QmpEvent } from 'rx-qmp';
import { eventOf, openBus, settled, type OpenBus } from '../support/bus-events.js';

/** What a new subscriber of the view notes. */
function watch(listener: EventListener): { seen: QmpEvent[]; end: () => 'none' | 'completed' | 'failed' } {
  const seen: QmpEvent[] = [];
  let end: 'none' | 'completed' | 'failed' = 'none';
  listener.events$.subscribe({
    next: (event) => {
      seen.push(event);
    },
    complete: () => {
      end = 'completed';
    },
    error: () => {
      end = 'failed';
    },
  });
  return { seen, end: () => end };
}

/** The three ways to wait for the next event. */
function readers(listener: EventListener): [get: Promise<unknown>, next: Promise<unknown>] {
  return [listener.get(), listener.iterate().next()];
}

const DONE = { value: { done: true, value: undefined } };

describe('the condition of a listener (L9)', () => {
  let open: OpenBus;
  let listener: EventListener;

  beforeEach(() => {
    open = openBus({ name: 'vm1' });
    listener = new EventListener();
  });

  describe('waiting, never registered', () => {
    it('lets a read wait, and serves it once it is registered', async () => {
      const [get, next] = readers(listener);
      await expect(settled(get)).resolves.toBe('waiting');
      await expect(settled(next)).resolves.toBe('waiting');
      open.bus.registerListener(listener);
      const events = [open.emit('STOP'), open.emit('RESUME')];
      await expect(get).resolves.toBe(events[0]);
      await expect(next).resolves.toEqual({ done: false, value: events[1] });
    });

    it('lets a subscriber of the view wait, and serves it once it is registered', () => {
      const view = watch(listener);
      open.bus.registerListener(listener);
      const event = open.emit('STOP');
      expect([view.seen, view.end()]).toEqual([[event], 'none']);
    });
  });

  describe('live', () => {
    it('gives a read what is unread, then lets it wait', async () => {
      open.bus.registerListener(listener);
      const events = [open.emit('STOP'), open.emit('RESUME')];
      await expect(listener.get()).resolves.toBe(events[0]);
      await expect(listener.iterate().next()).resolves.toEqual({ done: false, value: events[1] });
      const [get, next] = readers(listener);
      await expect(settled(get)).resolves.toBe('waiting');
      await expect(settled(next)).resolves.toBe('waiting');
    });

    it('shows a new subscriber of the view what comes from now on', () => {
      open.bus.registerListener(listener);
      open.emit('STOP');
      const view = watch(listener);
      const event = open.emit('STOP');
      expect([view.seen, view.end()]).toEqual([[event], 'none']);
    });
  });

  describe.each<[how: string, end: () => void, error: typeof ListenerError | typeof DisconnectedError, loss: boolean]>([
    [
      'by removal',
      () => {
        open.bus.removeListener(listener);
      },
      ListenerError,
      false,
    ],
    [
      'by close() of its bus',
      () => {
        open.bus.close();
      },
      DisconnectedError,
      false,
    ],
    [
      'by the completion of the source',
      () => {
        open.source.complete();
      },
      DisconnectedError,
      false,
    ],
    [
      'by the failure of the source',
      () => {
        open.source.error(new Error('cable cut'));
      },
      DisconnectedError,
      true,
    ],
  ])('ended %s', (how, end, kind, loss) => {
    beforeEach(() => {
      open.bus.registerListener(listener);
    });

    it('ends the reads that wait (B4, B8, row 14)', async () => {
      const [get, next] = readers(listener);
      end();
      const error: unknown = await get.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(kind);
      expect(String(error)).toContain('vm1');
      if (loss) expect(error).toMatchObject({ cause: { message: 'cable cut' } });
      if (loss) await expect(next).rejects.toBeInstanceOf(DisconnectedError);
      else await expect(settled(next)).resolves.toEqual(DONE);
    });

    it('gives a read what is unread first (removal leaves none), then ends it', async () => {
      const event = open.emit('STOP');
      const second = open.emit('STOP');
      end();
      if (how === 'by removal') expect(listener.size).toBe(0);
      else {
        await expect(listener.get()).resolves.toBe(event);
        await expect(listener.iterate().next()).resolves.toEqual({ done: false, value: second });
      }
      await expect(listener.get()).rejects.toBeInstanceOf(kind);
      await expect(listener.get({ timeout: 1_000 })).rejects.toBeInstanceOf(kind);
      if (loss) await expect(listener.iterate().next()).rejects.toBeInstanceOf(DisconnectedError);
      else await expect(listener.iterate().next()).resolves.toEqual(DONE.value);
    });

    it('ends a loop', async () => {
      open.emit('STOP');
      open.emit('STOP');
      const read: QmpEvent[] = [];
      const loop = async (): Promise<string> => {
        for await (const event of listener) {
          read.push(event);
          if (read.length === 2) end();
        }
        return 'left';
      };
      if (loss) await expect(loop()).rejects.toBeInstanceOf(DisconnectedError);
      else await expect(loop()).resolves.toBe('left');
      expect(read).toHaveLength(2);
    });

    it('completes the view, for those who watch and for whoever comes later', () => {
      const before = watch(listener);
      const event = open.emit('STOP');
      end();
      const after = watch(listener);
      expect([before.seen, before.end()]).toEqual([[event], 'completed']);
      expect([after.seen, after.end()]).toEqual([[], 'completed']);
    });

    it('is waiting or live again once registered anew; who waited before hears nothing of it (row 14)', async () => {
      const view = watch(listener);
      const iterator = listener.iterate();
      const stale = [settled(listener.get()), settled(iterator.next())];
      end();
      if (how !== 'by removal') open.bus.removeListener(listener);
      const next = openBus();
      next.bus.registerListener(listener);
      const later = watch(listener);
      const event = next.emit('STOP');
      expect([view.seen, view.end()]).toEqual([[], 'completed']);
      expect([later.seen, later.end()]).toEqual([[event], 'none']);
      for (const outcome of await Promise.all(stale)) expect(outcome).not.toMatchObject({ value: { value: event } });
      await expect(iterator.next()).resolves.toEqual(DONE.value);
      await expect(listener.get()).resolves.toBe(event);
      await expect(settled(listener.get())).resolves.toBe('waiting');
    });

    it('ends an iteration begun before, also one that was not waiting at the time', async () => {
      const iterator = listener.iterate();
      open.emit('STOP');
      await iterator.next();
      end();
      if (how !== 'by removal') open.bus.removeListener(listener);
      const next = openBus();
      next.bus.registerListener(listener);
      const event = next.emit('STOP');
      if (how === 'by removal') await expect(iterator.next()).resolves.toEqual(DONE.value);
      else await expect(settled(iterator.next())).resolves.not.toMatchObject({ value: { value: event } });
      await expect(listener.get()).resolves.toBe(event);
    });
  });

  it('is ended at once when registered with a bus that has closed', async () => {
    open.source.error(new Error('cable cut'));
    open.bus.registerListener(listener);
    expect(open.bus.listeners).toContain(listener);
    expect(watch(listener).end()).toBe('completed');
    await expect(listener.get()).rejects.toMatchObject({
      name: 'DisconnectedError',
      cause: { message: 'cable cut' },
    });
    expect(listener.put(eventOf('STOP'))).toBe(false);
    open.bus.removeListener(listener);
    expect(open.bus.listeners).not.toContain(listener);
  });

  it('keeps what was unread when its bus closed until it is removed', () => {
    open.bus.registerListener(listener);
    const event = open.emit('STOP');
    open.bus.close();
    expect(open.bus.removeListener(listener)).toEqual([event]);
  });

  it('is on one bus at a time (row 26)', () => {
    open.bus.registerListener(listener);
    const other = new EventBus(new Subject<Message>());
    expect(() => {
      other.registerListener(listener);
    }).toThrow(ListenerError);
    const event = open.emit('STOP');
    expect(listener.clear()).toEqual([event]);
    expect(other.listeners).toEqual([other.events]);
  });

  it('lets who watches it end register it anew, on this bus or another', () => {
    open.bus.registerListener(listener);
    const other = openBus();
    let seen: QmpEvent[] = [];
    const watchAgain = (): void => {
      ({ seen } = watch(listener));
    };
    listener.events$.subscribe({
      complete: () => {
        listener.names.add('RESUME');
        other.bus.registerListener(listener);
        watchAgain();
      },
    });
    open.bus.removeListener(listener);
    open.emit('STOP');
    other.emit('STOP');
    const event = other.emit('RESUME');
    open.bus.close();
    expect(open.bus.listeners).toEqual([open.bus.events]);
    expect(other.bus.listeners).toEqual([other.bus.events, listener]);
    expect(seen).toEqual([event]);
  });

  it('is not ended by a bus that it left while others were being ended', async () => {
    const first = new EventListener();
    open.bus.listen(first, listener);
    const other = openBus();
    first.events$.subscribe({
      complete: () => {
        open.bus.removeListener(listener);
        other.bus.registerListener(listener);
      },
    });
    open.bus.close();
    const event = other.emit('STOP');
    await expect(listener.get()).resolves.toBe(event);
  });
});
