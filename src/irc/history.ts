/**
 * The last lines of one channel or conversation, in the order that all nodes agree on: by time, then by id. Bounded by count,
 * bytes and age; the oldest go first.
 */
import { hashText } from './names.ts';

export interface Entry {
  /** Unix ms. */
  timeMs: number;
  msgid: string;
  /** nick!user@host at the time. */
  source: string;
  account: string | undefined;
  bot: boolean;
  /** PRIVMSG, NOTICE, TAGMSG, or an event: JOIN, PART, … */
  command: string;
  target: string;
  /** More than one: a multiline message. Events: their parameters after the target. */
  lines: readonly string[];
  /** Indexes of lines that continue the one before (multiline-concat). */
  concat: readonly number[];
  tags: ReadonlyMap<string, string> | undefined;
  /** Mesh address of the member that gave us another's line. */
  via?: string | undefined;
  /** Where it came from, to be given to other members; absent in events, which stay here. */
  origin?: Origin | undefined;
}

export interface Origin {
  address: string;
  /** "EPOCH/INDEX" in base36: the run of its IRC server and its number for the channel. */
  stream: string;
  n: number;
  nick: string;
  user: string;
}

export interface HistoryLimits {
  lines: number;
  bytes: number;
  ageMs: number;
}

const ENTRY_BYTES = 250;

function entryBytes(entry: Entry): number {
  let bytes = ENTRY_BYTES;
  for (const line of entry.lines) bytes += line.length;
  return bytes;
}

export function isMessage(entry: Entry): boolean {
  return entry.command === 'PRIVMSG' || entry.command === 'NOTICE';
}

function compare(a: Entry, b: Entry): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  if (a.origin !== undefined && a.origin.stream === b.origin?.stream && a.origin.address === b.origin.address) {
    return a.origin.n - b.origin.n;
  }
  return a.msgid < b.msgid ? -1 : a.msgid > b.msgid ? 1 : 0;
}

export class History {
  readonly #limits: HistoryLimits;
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #sum = 0;

  /** `limits` is read at each call: the owner may change it. */
  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }
  get byteCount(): number {
    return this.#bytes;
  }
  /** Equal on two nodes that hold the same lines (events are not counted). */
  get sum(): number {
    return this.#sum;
  }

  /** @returns false when it is too old to be kept. */
  add(entry: Entry, nowMs: number): boolean {
    this.expire(nowMs);
    let at = this.#entries.length;
    while (at > 0 && compare(this.#entries[at - 1] as Entry, entry) > 0) at--;
    this.#entries.splice(at, 0, entry);
    this.#account(entry, 1);
    this.expire(nowMs);
    return this.#entries.includes(entry);
  }

  expire(nowMs: number): void {
    const oldest = nowMs - this.#limits.ageMs;
    let count = 0;
    for (const entry of this.#entries) {
      const over = this.#entries.length - count > this.#limits.lines || this.#bytes > this.#limits.bytes;
      if (!over && entry.timeMs >= oldest) break;
      this.#account(entry, -1);
      count++;
    }
    if (count > 0) this.#entries.splice(0, count);
  }

  #account(entry: Entry, sign: 1 | -1): void {
    this.#bytes += sign * entryBytes(entry);
    if (entry.origin !== undefined) this.#sum ^= hashText(entry.msgid);
  }

  find(msgid: string): Entry | undefined {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      if (this.#entries[i]?.msgid === msgid) return this.#entries[i];
    }
    return undefined;
  }

  remove(msgid: string): Entry | undefined {
    const entry = this.find(msgid);
    if (entry === undefined) return undefined;
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#account(entry, -1);
    return entry;
  }

  /** Time of the last PRIVMSG or NOTICE, -1 without one. */
  get lastMessageMs(): number {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i] as Entry;
      if (isMessage(entry)) return entry.timeMs;
    }
    return -1;
  }
}
