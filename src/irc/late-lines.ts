/**
 * Lines that wait for older ones: when a node is back after a silence, or when something before a line is missing,
 * members are asked for their history. What comes live meanwhile waits until they have answered, so that all that was
 * missed is shown in the order of its time. Nothing waits long.
 */
import type { Entry } from './history.ts';

export interface LateLine {
  source: string;
  uid: string;
  stream: string;
  n: number;
  entry: Entry;
}

const WAIT_MS = 2000;
const WAIT_MS_MAX = 4000;
/** After the members' answers, for what they know to be on its way. */
const SETTLE_MS = 400;
const LINES_MAX = 1000;
/** A line that was said so long ago is one that was missed. */
const OLD_MS = 3000;

export class LateLines {
  #lines: LateLine[] = [];
  /** -1: nothing waits. */
  #startMs = -1;
  #untilMs = 0;

  /** A node is back, and its history is asked for. */
  begin(nowMs: number): void {
    if (this.#startMs < 0) this.#startMs = nowMs;
    this.#untilMs = Math.min(nowMs + WAIT_MS, this.#startMs + WAIT_MS_MAX);
  }

  /** @param hole lines before it are missing. @returns false when it is to be shown now. */
  hold(line: LateLine, hole: boolean, nowMs: number, wallMs: number): boolean {
    const missed = this.waits && this.isOld(line, wallMs);
    if (!hole && !missed && !this.#lines.some(({ source }) => source === line.source)) return false;
    if (this.#lines.length >= LINES_MAX) return false;
    if (!this.waits) this.begin(nowMs);
    this.#lines.push(line);
    return true;
  }

  isOld({ entry }: LateLine, wallMs: number): boolean {
    return entry.timeMs < wallMs - OLD_MS;
  }

  get lines(): readonly LateLine[] {
    return this.#lines;
  }
  get waits(): boolean {
    return this.#startMs >= 0;
  }
  /** All who were asked have answered. */
  settle(nowMs: number): void {
    this.#untilMs = Math.min(this.#untilMs, nowMs + SETTLE_MS);
  }
  isOver(nowMs: number): boolean {
    return this.waits && nowMs >= this.#untilMs;
  }

  /** All of them, in the order in which they came. */
  release(): LateLine[] {
    const lines = this.#lines;
    this.#lines = [];
    this.#startMs = -1;
    return lines;
  }
}
