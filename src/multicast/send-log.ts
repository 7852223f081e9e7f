/** What a source keeps of its own stream, oldest first, for first sends, repairs, catch-up and late joiners alike. */
import { serialAdd, serialDiff } from '../wire/serial.ts';
import { DATA_FIRST } from '../wire/data.ts';

/** Bookkeeping per packet, counted against the budget so that many tiny messages stay bounded too. */
export const ENTRY_OVERHEAD_BYTES = 64;

export class LogEntry {
  readonly payload: Uint8Array;
  /** DATA_FIRST, DATA_LAST; of a DGRAM also DATA_PRIVATE. */
  readonly flags: number;
  readonly publishedAt: number;
  /** What all before it have cost. */
  costBefore = 0;

  constructor(payload: Uint8Array, flags: number, publishedAt: number) {
    this.payload = payload;
    this.flags = flags;
    this.publishedAt = publishedAt;
  }

  get cost(): number {
    return this.payload.length + ENTRY_OVERHEAD_BYTES;
  }
}

export class SendLog {
  /** Sequence number of the oldest entry; equal to `next` when empty. */
  low: number;
  /** The number that the next packet gets. */
  next: number;
  /** What all together have cost, with those let go. */
  #cost = 0;
  #entries: LogEntry[] = [];
  #head = 0;

  constructor(next: number) {
    this.low = this.next = next;
  }

  /** What its packets cost. */
  get bytes(): number {
    return this.bytesFrom(this.low);
  }
  get count(): number {
    return this.#entries.length - this.#head;
  }

  push(entry: LogEntry): void {
    this.#entries.push(entry);
    entry.costBefore = this.#cost;
    this.#cost += entry.cost;
    this.next = serialAdd(this.next, 1);
  }

  at(seq: number): LogEntry | undefined {
    const offset = serialDiff(seq, this.low);
    return offset < 0 ? undefined : this.#entries[this.#head + offset];
  }

  /** What the packets from `seq` on cost. */
  bytesFrom(seq: number): number {
    return this.#cost - (this.at(seq)?.costBefore ?? this.#cost);
  }

  oldest(): LogEntry | undefined {
    return this.#entries[this.#head];
  }

  /** Removes the oldest entry. @returns its cost. */
  shift(): number {
    const entry = this.#entries[this.#head]!;
    this.#entries[this.#head++] = undefined as unknown as LogEntry;
    if (this.#head > 32 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    this.low = serialAdd(this.low, 1);
    return entry.cost;
  }

  /** Where a receiver starts that wants the last `count` messages: the FIRST packet of the oldest of them. */
  startOfLast(count: number): number {
    let seq = this.next;
    for (let found = 0; found < count && seq !== this.low; ) {
      seq = serialAdd(seq, -1);
      if (this.at(seq)!.flags & DATA_FIRST) found++;
    }
    while (seq !== this.next && !(this.at(seq)!.flags & DATA_FIRST)) seq = serialAdd(seq, 1);
    return seq;
  }
}
