/** Lines of history that may also be on their way from who said them: they wait a little for his own word. */
import type { Entry } from './history.ts';

const HELD_MS = 2_000;
const HELD_MAX = 1000;

export interface HeldLine {
  entry: Entry;
  /** The member that gave it. */
  from: string;
  untilMs: number;
}

export class HeldLines {
  #lines: HeldLine[] = [];

  hold(entry: Entry, from: string, nowMs: number): void {
    if (this.#lines.length < HELD_MAX) this.#lines.push({ entry, from, untilMs: nowMs + HELD_MS });
  }

  /** Takes out those of a stream. */
  takeOf(address: string, stream: string): HeldLine[] {
    return this.#take(({ entry: { origin } }) => origin?.address === address && origin.stream === stream);
  }
  /** Takes out those that have waited long enough. */
  takeDue(nowMs: number): HeldLine[] {
    return this.#take(({ untilMs }) => untilMs <= nowMs);
  }

  #take(isDue: (line: HeldLine) => boolean): HeldLine[] {
    if (this.#lines.length === 0) return [];
    const due = this.#lines.filter(isDue);
    if (due.length > 0) this.#lines = this.#lines.filter((line) => !due.includes(line));
    return due;
  }
}
