/**
 * Where streams that are no more have come to: they go on there when they begin again, as receivers remember what they have
 * had, and a number that nobody used would be a gap to them. What is forgotten raises the floor, below which no stream
 * begins: no number is used twice within an epoch.
 */
import { serialDiff } from '../wire/serial.ts';

const STREAMS_MAX = 512;

export class Numbers {
  /** By group, and by the number of the receiver's daemon where it is private; the one that ended first is at the front. */
  readonly #next = new Map<string, number>();
  #floor: number;

  constructor(first: number) {
    this.#floor = first;
  }

  /** @param begun where it goes on when it has not ended */
  next(stream: string, begun = this.#floor): number {
    return this.#next.get(stream) ?? begun;
  }

  /** A stream has ended before `next`; so may have another, to the same node by another of its names. */
  keep(stream: string, next: number): void {
    const before = this.#next.get(stream) ?? next;
    this.#next.delete(stream);
    this.#next.set(stream, serialDiff(before, next) > 0 ? before : next);
    if (this.#next.size <= STREAMS_MAX) return;
    const [oldest, end] = this.#next.entries().next().value!;
    this.#next.delete(oldest);
    if (serialDiff(end, this.#floor) > 0) this.#floor = end;
  }
}
