import { timeOf, type QmpEvent } from '../protocol/message.js';
import { jsonLine, paint, printable } from './terminal.js';

/** One event of one VM as one line: JSON in a pipe, or if asked for; time, VM, name and data for people. */
export function eventLine(vm: string, event: QmpEvent, json: boolean): string {
  if (json || !process.stdout.isTTY) return jsonLine({ vm, ...event });
  const data = event.data === undefined ? '' : ` ${jsonLine(event.data)}`;
  const name = paint(['bold', 'cyan'], printable(event.event));
  return `${paint('gray', clock(timeOf(event)))} ${paint('green', printable(vm))} ${name}${data}`;
}

/** hours:minutes:seconds.milliseconds, local. */
export function clock(time: Date): string {
  if (Number.isNaN(time.getTime())) return '--:--:--.---';
  return `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
