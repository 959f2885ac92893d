// One event to its listeners, without a wire: nanoseconds per event. There are `listeners` of them, each on a name of its own,
// and the one in the middle hears the event.
import { EventEmitter } from 'node:events';
import Emittery from 'emittery';
import mitt from 'mitt';
import { filter, Observable, Subject } from 'rxjs';
import { EventBus, EventListener } from '../../dist/index.js';
import { nanosecondsPerTurn } from '../in-a-loop.js';
import { emitter } from './events.js';

/** @typedef {{ listeners?: number, milliseconds: number }} Input */

let heard = 0;
const hear = () => {
  heard += 1;
};

/** @param {(names: string[], name: string) => (event: object) => void} prepare */
function side(prepare) {
  return async (/** @type {Input} */ { listeners = 1, milliseconds }) => {
    const names = Array.from({ length: listeners }, (_, index) => `NAME_${index}`);
    const name = names[listeners >> 1];
    const emit = prepare(names, name);
    const result = await nanosecondsPerTurn(milliseconds, emitter(name, emit));
    if (heard === 0) throw new Error('nobody heard anything');
    return result;
  };
}

export const subject = side(() => {
  const subject = new Subject();
  subject.subscribe(hear);
  return (event) => subject.next(event);
});

export const filters = side((names) => {
  const subject = new Subject();
  for (const name of names) subject.pipe(filter((event) => event.event === name)).subscribe(hear);
  return (event) => subject.next(event);
});

export const mapOfSubjects = side((names) => {
  const subjects = new Map();
  for (const name of names) {
    const subject = new Subject();
    subject.subscribe(hear);
    subjects.set(name, subject);
  }
  return (event) => subjects.get(event.event)?.next(event);
});

export const mittSide = side((names) => {
  const emitter = mitt();
  for (const name of names) emitter.on(name, hear);
  return (event) => emitter.emit(event.event, event);
});

export const eventEmitter = side((names) => {
  const emitter = new EventEmitter();
  for (const name of names) emitter.on(name, hear);
  return (event) => emitter.emit(event.event, event);
});

/** Asynchronous by design: what counts is the time until all have heard. */
export const emittery = async ({ listeners = 1, milliseconds }) => {
  const names = Array.from({ length: listeners }, (_, index) => `NAME_${index}`);
  const name = names[listeners >> 1];
  const emitter = new Emittery();
  for (const one of names) emitter.on(one, hear);
  return nanosecondsPerTurn(milliseconds, async (count) => {
    for (let turn = 0; turn < count; turn += 1) await emitter.emit(name, turn);
  });
};

/** A bus fed as a client feeds its own. @param {(bus: EventBus, name: string) => void} listen */
function bus(listen) {
  return side((names) => {
    let source;
    const bus = new EventBus(
      new Observable((subscriber) => {
        source = subscriber;
      }),
    );
    for (const name of names) listen(bus, name);
    return (event) => source.next(event);
  });
}

export const observe = bus((bus, name) => {
  bus.observe(name).subscribe(hear);
});

/** History, queue and a subscriber of the view; nobody reads, so that the queue stays at its bound. */
export const unread = bus((bus, name) => {
  bus.listener(name).events$.subscribe(hear);
});

/** The same with somebody who takes what is unread from time to time. */
const listen = (bus, name) => {
  const listener = bus.listener(name);
  listener.events$.subscribe(() => {
    heard += 1;
    if ((heard & 1023) === 0) listener.clear();
  });
};
export const listener = bus(listen);

/** The same, fed by a Subject: its own time comes on top. */
export const listenerOfSubject = side((_names, name) => {
  const source = new Subject();
  listen(new EventBus(source), name);
  return (event) => source.next(event);
});

/** A registered listener by itself: what the bus adds to `put()`. */
export const put = side((_, name) => {
  const listener = new EventListener(name);
  listener.events$.subscribe(() => {
    heard += 1;
    if ((heard & 1023) === 0) listener.clear();
  });
  return (event) => listener.put(event);
});
