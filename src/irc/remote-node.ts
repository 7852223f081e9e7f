/**
 * One other node and how far we are with the facts that it tells of its users. Events are applied in the order of their
 * versions, what comes early is kept; a snapshot, put together of its parts, takes the place of all before it; lines
 * wait for the facts that they follow.
 */
import { isFields, readCount } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import type { RemoteFacts } from './remote-facts.ts';

const EARLY_EVENTS_MAX = 256;
const HELD_MAX = 2000;
const HOLD_MS = 3000;
const ASK_MS = 1500;
const SNAPSHOT_PARTS_MAX = 64;

interface Counters {
  malformed: number;
  snapshotsRead: number;
  heldOver: number;
}

interface HeldLine {
  version: number;
  untilMs: number;
  task: () => void;
}

export class RemoteNode {
  readonly address: string;
  /** Incarnation of its daemon, then of its IRC server. */
  readonly epoch: number;
  readonly run: number;
  readonly facts: RemoteFacts;
  /** Version of its facts that we hold; -1: none yet. */
  version = -1;
  /** Digest rounds in which it was no member of the group. */
  missingCount = 0;
  readonly #counters: Counters;
  /** Events that came before the ones they follow. */
  #early: Fields[] = [];
  #parts: (Fields | undefined)[] = [];
  #partsVersion = -1;
  #askedMs = -Infinity;
  /** Lines that came before the facts they need. */
  readonly #held: HeldLine[] = [];

  constructor(address: string, epoch: number, run: number, facts: RemoteFacts, counters: Counters) {
    this.address = address;
    this.epoch = epoch;
    this.run = run;
    this.facts = facts;
    this.#counters = counters;
  }

  /** Whether facts are missing that others follow. */
  get behind(): boolean {
    return this.version < 0 || this.#early.length > 0;
  }

  /** @returns false when it has just been asked for its facts. */
  mayAsk(now: number): boolean {
    if (now < this.#askedMs + ASK_MS) return false;
    this.#askedMs = now;
    return true;
  }

  /** @returns false when what the event follows is missing. */
  onEvent(version: number, fields: Fields): boolean {
    if (this.version < 0 || version > this.version + 1) {
      if (this.#early.length < EARLY_EVENTS_MAX) this.#early.push(fields);
      // A node's first event follows nothing.
      const first = this.version < 0 && version === 1;
      if (first) this.#adopt(0);
      return first;
    }
    if (version <= this.version) return true;
    this.facts.apply(fields);
    this.#adopt(version);
    return true;
  }

  /** A part of a snapshot. */
  onPart(version: number, fields: Fields): void {
    const index = readCount(fields['i']);
    const count = readCount(fields['m']);
    if (index < 0 || count < 1 || count > SNAPSHOT_PARTS_MAX || index >= count || !Array.isArray(fields['l'])) {
      return void this.#counters.malformed++;
    }
    if (version === this.version) this.facts.applyTopics(fields['l']);
    if (version <= this.version) return;
    if (this.#partsVersion !== version || this.#parts.length !== count) {
      this.#parts = new Array<Fields | undefined>(count).fill(undefined);
      this.#partsVersion = version;
    }
    this.#parts[index] = fields;
    if (this.#parts.includes(undefined)) return;
    const items = this.#parts.flatMap((part) => (part as Fields)['l'] as unknown[]).filter(isFields);
    this.#parts = [];
    this.#counters.snapshotsRead++;
    this.facts.applySnapshot(items);
    this.#adopt(version);
  }

  /** Applies what waited for the version that we now have. */
  #adopt(version: number): void {
    this.version = version;
    if (this.#early.length > 0) {
      const early = this.#early.sort((a, b) => (a['v'] as number) - (b['v'] as number));
      this.#early = [];
      for (const fields of early) {
        const next = fields['v'] as number;
        if (next === this.version + 1) {
          this.facts.apply(fields);
          this.version = next;
        } else if (next > this.version) this.#early.push(fields);
      }
    }
    this.release(-Infinity);
  }

  /** Runs `task` when we have that version, at once if we do; after HOLD_MS in any case. In order. */
  after(version: number, now: number, task: () => void): void {
    if (this.#held.length === 0 && this.version >= version) return task();
    this.#held.push({ version, untilMs: now + HOLD_MS, task });
    if (this.#held.length > HELD_MAX) this.release(Infinity);
  }

  /** Lets go the lines whose facts are there, or whose time is over. */
  release(now: number): void {
    while (this.#held.length > 0) {
      const [first] = this.#held as [HeldLine];
      if (this.version < first.version && first.untilMs > now) return;
      if (this.version < first.version) this.#counters.heldOver++;
      this.#held.shift();
      first.task();
    }
  }
}
