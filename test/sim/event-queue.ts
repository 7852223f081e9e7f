/**
 * The virtual clock's agenda: a binary heap of (time, order of arrival), whole milliseconds. Two events of the same
 * millisecond come out in the order they went in. Numbers only: kind and argument, no closure per event.
 */
const ORDER_RANGE = 67108864; // 2^26; times stay below 2^27 ms, 37 hours
export const TIME_MAX = 134217727;
const ARGUMENT_RANGE = 67108864;

export class EventQueue {
  #keys = new Float64Array(1024);
  #values = new Float64Array(1024);
  #size = 0;
  #order = 0;

  get size(): number {
    return this.#size;
  }

  /** When the next event is due, Infinity: none. */
  get nextTime(): number {
    return this.#size === 0 ? Infinity : Math.floor(this.#keys[0]! / ORDER_RANGE);
  }

  push(time: number, kind: number, argument: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    const key = time * ORDER_RANGE + this.#order;
    this.#order = (this.#order + 1) % ORDER_RANGE;
    const keys = this.#keys;
    const values = this.#values;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      values[at] = values[parent]!;
      at = parent;
    }
    keys[at] = key;
    values[at] = kind * ARGUMENT_RANGE + argument;
  }

  /** Takes the next event; read it with kindOf() and argumentOf(). Only when size > 0. */
  pop(): number {
    const keys = this.#keys;
    const values = this.#values;
    const result = values[0]!;
    const size = --this.#size;
    const key = keys[size]!;
    const value = values[size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      values[at] = values[child]!;
      at = child;
    }
    keys[at] = key;
    values[at] = value;
    return result;
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    const values = new Float64Array(this.#values.length * 2);
    values.set(this.#values);
    this.#values = values;
  }
}

export function kindOf(event: number): number {
  return Math.floor(event / ARGUMENT_RANGE);
}

export function argumentOf(event: number): number {
  return event % ARGUMENT_RANGE;
}
