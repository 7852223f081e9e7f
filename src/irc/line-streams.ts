/**
 * Which lines of a channel we have, per stream: a stream is one run of one node's server in the channel, its lines are
 * numbered 1, 2, …. So a hole shows whatever made it. What the source itself has sent is kept apart from what other
 * members gave of it: only the source can say what it has said.
 */
import { makeRoom } from '../encoding/tables.ts';
import { Ranges } from './ranges.ts';

const STREAMS_MAX = 256;

interface Stream {
  /** What the source itself has sent us. */
  readonly live: Ranges;
  /** What other members gave of it. */
  readonly given: Ranges;
  /** Highest number that the source has named. */
  high: number;
  /** Holes up to here have been told. */
  told: number;
  /** What comes after the newest line of the source may be taken from history: it does not come by itself. */
  open: boolean;
}

export class LineStreams {
  /** Key: "ADDRESS STREAM". */
  readonly #streams = new Map<string, Stream>();

  #stream(source: string, name: string): Stream {
    const key = `${source} ${name}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      makeRoom(this.#streams, STREAMS_MAX);
      this.#streams.set(key, (stream = { live: new Ranges(), given: new Ranges(), high: 0, told: 0, open: false }));
    }
    return stream;
  }

  /** A line has come from its source. `hole`: something before it is missing. */
  takeLive(source: string, name: string, n: number): { fresh: boolean; given: boolean; hole: boolean } {
    const stream = this.#stream(source, name);
    const empty = stream.live.list.length === 0;
    const hole = empty ? n > 1 : n > stream.live.last + 1;
    stream.high = Math.max(stream.high, n);
    stream.open = false;
    return { fresh: stream.live.add(n), given: stream.given.has(n), hole };
  }

  /** Newest line that the source itself has sent us, 0: none. */
  liveLast(source: string, name: string): number {
    return this.#streams.get(`${source} ${name}`)?.live.last ?? 0;
  }

  /** Its source says nothing new although it has said that there is more. */
  open(source: string): void {
    for (const stream of this.#of(source)) stream.open = true;
  }

  isOpen(source: string, name: string): boolean {
    return this.#streams.get(`${source} ${name}`)?.open ?? false;
  }

  /** A line has come from a member's history. @returns false when we have it. */
  takeGiven(source: string, name: string, n: number, fromSource: boolean): boolean {
    const stream = this.#stream(source, name);
    if (stream.live.has(n)) return false;
    const fresh = (fromSource ? stream.live : stream.given).add(n) && !(fromSource && stream.given.has(n));
    if (fresh) stream.high = Math.max(stream.high, n);
    return fresh;
  }

  /** The source says how far its stream goes. @returns true when that is further than we knew. */
  raise(source: string, name: string, high: number): boolean {
    const stream = this.#stream(source, name);
    const higher = high > stream.high;
    if (higher) stream.high = high;
    return higher;
  }

  /** Lines of `source` that are missing and have not been told. */
  missing(source: string): number {
    let count = 0;
    for (const stream of this.#of(source)) {
      if (stream.high <= stream.told) continue;
      const have = new Ranges();
      have.list.push(...merge(stream.live, stream.given));
      count += have.missingCount(stream.high, stream.told);
    }
    return count;
  }

  /** What is missing of `source` now has been told: never again. */
  tell(source: string): void {
    for (const stream of this.#of(source)) stream.told = stream.high;
  }

  *#of(source: string): Iterable<Stream> {
    for (const [key, stream] of this.#streams) if (key.startsWith(`${source} `)) yield stream;
  }

  /** What we have, as ranges per stream. */
  have(): Record<string, number[]> {
    const have: Record<string, number[]> = {};
    for (const [key, { live, given }] of this.#streams) have[key] = merge(live, given);
    return have;
  }
}

function merge(a: Ranges, b: Ranges): number[] {
  if (b.list.length === 0) return [...a.list];
  const pairs: [number, number][] = [];
  for (const list of [a.list, b.list]) {
    for (let i = 0; i < list.length; i += 2) pairs.push([list[i] as number, list[i + 1] as number]);
  }
  pairs.sort((x, y) => x[0] - y[0]);
  const merged: number[] = [];
  for (const [first, last] of pairs) {
    const end = merged[merged.length - 1];
    if (end !== undefined && first <= end + 1) merged[merged.length - 1] = Math.max(end, last);
    else merged.push(first, last);
  }
  return merged;
}

/** The highest number in a list of ranges as a member sent it, 0: none. */
export function lastOf(list: unknown): number {
  const last: unknown = Array.isArray(list) ? list[list.length - 1] : 0;
  return typeof last === 'number' ? last : 0;
}

/** Whether a list of ranges as a member sent it has `n`. */
export function includes(list: unknown, n: number): boolean {
  if (!Array.isArray(list)) return false;
  for (let i = 0; i + 1 < list.length; i += 2) {
    if (n >= (list[i] as number) && n <= (list[i + 1] as number)) return true;
  }
  return false;
}
