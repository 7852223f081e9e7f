/**
 * The last lines of one channel or conversation, in the order that all nodes agree on: by time, then by id. Bounded by
 * count, bytes and age; the oldest go first.
 */
import { hashText } from '../encoding/hash.ts';

export interface Entry {
  /** Unix ms. */
  timeMs: number;
  msgid: string;
  /** nick!user@host at the time; '' until it is shown here. */
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
  /** Of the msgid, once it was needed: see History.sum. */
  hash?: number;
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

/** People who come and go do not drive out what was said: so much of the lines may be events. */
const EVENTS_SHARE_MAX = 0.25;

function isEvent(entry: Entry): boolean {
  return entry.origin === undefined && !isMessage(entry);
}

export class History {
  readonly #limits: HistoryLimits;
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #eventCount = 0;
  /** Undefined: to be computed when somebody asks. */
  #sum: number | undefined = 0;

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
    if (this.#sum !== undefined) return this.#sum;
    let sum = 0;
    for (const entry of this.#entries) {
      if (entry.origin !== undefined) sum ^= entry.hash ??= hashText(entry.msgid);
    }
    this.#sum = sum;
    return sum;
  }

  /** @returns false when it is too old to be kept. */
  add(entry: Entry, nowMs: number): boolean {
    this.expire(nowMs);
    let at = this.#entries.length;
    while (at > 0 && compare(this.#entries[at - 1] as Entry, entry) > 0) at--;
    if (at === this.#entries.length) this.#entries.push(entry);
    else this.#entries.splice(at, 0, entry);
    this.#account(entry, 1);
    if (this.#eventCount > this.#limits.lines * EVENTS_SHARE_MAX) {
      const oldest = this.#entries.findIndex(isEvent);
      this.#account(this.#entries[oldest] as Entry, -1);
      this.#entries.splice(oldest, 1);
      if (oldest === at) return false;
      if (oldest < at) at--;
    }
    return this.expire(nowMs) <= at;
  }

  /** @returns how many are gone. */
  expire(nowMs: number): number {
    const entries = this.#entries;
    const oldest = nowMs - this.#limits.ageMs;
    let count = 0;
    for (;; count++) {
      const entry = entries[count];
      if (entry === undefined) break;
      const over = entries.length - count > this.#limits.lines || this.#bytes > this.#limits.bytes;
      if (!over && entry.timeMs >= oldest) break;
      this.#account(entry, -1);
    }
    // QuickJS moves what is behind at once for shift(), one by one for splice().
    if (count > 4) entries.splice(0, count);
    else for (let i = 0; i < count; i++) entries.shift();
    return count;
  }

  #account(entry: Entry, sign: 1 | -1): void {
    this.#bytes += sign * entryBytes(entry);
    if (isEvent(entry)) this.#eventCount += sign;
    if (entry.origin !== undefined) this.#sum = undefined;
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
