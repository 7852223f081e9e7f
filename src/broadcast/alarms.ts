/**
 * All deadlines of one node in one binary heap, so that the whole protocol core has a single `deadline` and finding the
 * next due one costs O(log n). Equal deadlines fire in the order in which they were set, on every runtime.
 */
export interface Alarm {
  /** Owned by Alarms: when it is due, and its place in the heap (-1: not set). */
  alarmAt: number;
  alarmIndex: number;
  alarmOrder: number;
  onAlarm(now: number): void;
}

/** So long after an alarm was due, and after the last look at it, the process must have been stopped. */
const STOPPED_MS = 1000;
/** What has come meanwhile waits in the sockets: it is read before anybody is called silent. */
const READING_MS = 100;

/** One that has no other state. */
export function newAlarm(onAlarm: (now: number) => void): Alarm {
  return { alarmAt: Infinity, alarmIndex: -1, alarmOrder: 0, onAlarm };
}

export class Alarms {
  readonly #heap: Alarm[] = [];
  #order = 0;
  #ranAt = -Infinity;
  #readUntil = -Infinity;

  /** When the next alarm is due; Infinity when none is set. */
  get next(): number {
    return Math.max(this.#heap[0]?.alarmAt ?? Infinity, this.#readUntil);
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Sets or moves an alarm. Infinity cancels it. */
  set(alarm: Alarm, at: number): void {
    if (at === Infinity) return this.cancel(alarm);
    if (alarm.alarmIndex >= 0 && alarm.alarmAt === at) return;
    alarm.alarmAt = at;
    alarm.alarmOrder = this.#order++;
    if (alarm.alarmIndex < 0) {
      alarm.alarmIndex = this.#heap.length;
      this.#heap.push(alarm);
    }
    this.#down(this.#up(alarm.alarmIndex));
  }

  /** As set(), but never makes an alarm later. */
  setEarlier(alarm: Alarm, at: number): void {
    if (alarm.alarmIndex < 0 || at < alarm.alarmAt) this.set(alarm, at);
  }

  cancel(alarm: Alarm): void {
    const index = alarm.alarmIndex;
    if (index < 0) return;
    alarm.alarmIndex = -1;
    alarm.alarmAt = Infinity;
    const last = this.#heap.pop()!;
    if (last === alarm) return;
    this.#heap[index] = last;
    last.alarmIndex = index;
    this.#down(this.#up(index));
  }

  /** Fires what is due at `now`, at most `countMax` alarms. @returns true when more are due. */
  run(now: number, countMax: number): boolean {
    if (now - Math.max(this.next, this.#ranAt) > STOPPED_MS) this.#readUntil = now + READING_MS;
    this.#ranAt = now;
    for (let count = 0; this.next <= now; count++) {
      if (count >= countMax) return true;
      const alarm = this.#heap[0]!;
      this.cancel(alarm);
      alarm.onAlarm(now);
    }
    return false;
  }

  #before(a: Alarm, b: Alarm): boolean {
    return a.alarmAt < b.alarmAt || (a.alarmAt === b.alarmAt && a.alarmOrder < b.alarmOrder);
  }

  #up(index: number): number {
    const heap = this.#heap;
    const alarm = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(alarm, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      heap[index]!.alarmIndex = index;
      index = parent;
    }
    heap[index] = alarm;
    alarm.alarmIndex = index;
    return index;
  }

  #down(index: number): void {
    const heap = this.#heap;
    const alarm = heap[index]!;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, alarm)) break;
      heap[index] = heap[child]!;
      heap[index]!.alarmIndex = index;
      index = child;
    }
    heap[index] = alarm;
    alarm.alarmIndex = index;
  }
}
