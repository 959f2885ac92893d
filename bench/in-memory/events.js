import { lines } from '../wire/events.js';

/** 64 events of all kinds and shapes, under one name, as plain objects. @param {string} name */
export function eventsNamed(name) {
  return lines()
    .slice(0, 64)
    .map((line) => ({ ...JSON.parse(line), event: name }));
}

/** Emits them in turn. @param {string} name @param {(event: object) => void} emit */
export function emitter(name, emit) {
  const events = eventsNamed(name);
  return (/** @type {number} */ count) => {
    for (let turn = 0; turn < count; turn += 1) emit(events[turn & 63]);
  };
}
