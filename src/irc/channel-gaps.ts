/**
 * Sources of a channel of which something is missing: history is asked for while nothing comes, and what nobody can
 * fill is told.
 */
import type { LineStreams } from './line-streams.ts';

const GAPS_MAX = 256;
const GRACE_MS = 4000;

export interface ChannelGapsOutput {
  /** Nothing has come for a while. */
  repair(source: string): void;
  tell(source: string, count: number): void;
}

export class ChannelGaps {
  readonly #streams: LineStreams;
  readonly #output: ChannelGapsOutput;
  /** When what is missing of a source is told. */
  readonly #dueMs = new Map<string, number>();

  constructor(streams: LineStreams, output: ChannelGapsOutput) {
    this.#streams = streams;
    this.#output = output;
  }

  want(source: string, nowMs: number): void {
    if (!this.#dueMs.has(source) && this.#dueMs.size < GAPS_MAX) this.#dueMs.set(source, nowMs + GRACE_MS);
  }
  /** It goes on: what is missing may still come. */
  goesOn(source: string, nowMs: number): void {
    if (this.#dueMs.has(source)) this.#dueMs.set(source, nowMs + GRACE_MS);
  }

  onTick(nowMs: number): void {
    for (const [source, dueMs] of this.#dueMs) {
      const missing = this.#streams.missing(source);
      if (nowMs >= dueMs) {
        this.#dueMs.delete(source);
        this.#streams.tell(source);
        if (missing > 0) this.#output.tell(source, missing);
      } else if (missing > 0 && nowMs >= dueMs - GRACE_MS * 0.75) {
        this.#streams.open(source);
        this.#output.repair(source);
      }
    }
  }
}
