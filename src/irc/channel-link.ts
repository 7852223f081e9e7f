/**
 * One channel's group "irc/#channel": sends our users' lines, takes the others', and sees to it that none is missing.
 *
 * A line is named by (source address, stream, n): a stream is one run of a node's server in this channel, n counts from 1. So
 * what is missing shows as a hole, and what comes twice (repaired, and from another member's history) is shown once. History
 * is asked for from members, a few, one after the other: each request tells what we have, the answer brings the rest. Asked is
 * when the channel is joined, when a member comes (back), and when a hole stays; a hole that nobody can fill is told in the
 * channel. A line that another member gave is marked with his address (meshchat/via): only he vouches for it.
 *
 * History must not overtake what is on its way: of a node that is in the channel it fills holes only, up to the newest line that
 * came from the node itself; what is newer comes by itself, in order, unless it is known not to.
 */
import type { Client, Gap, Group, MemberEvent, Message } from '../client/client.ts';
import type { Channel } from './channel.ts';
import type { Entry } from './history.ts';
import { historyItem, historyParts } from './history-parts.ts';
import { LateLines } from './late-lines.ts';
import { includes, lastOf, LineStreams } from './line-streams.ts';
import { encodeMessage, encodeText, isFields, readCount, readReason, readText, readUid, readWord } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { cleanUser, isNick } from './names.ts';

export interface ChannelLinkPort {
  readonly address: string;
  readonly run: number;
  readonly version: number;
  now(): number;
  wallMs(): number;
  random(): number;
  decode(message: Message): Fields | undefined;
  /** Runs `task` when the facts that the line follows are known. */
  after(message: Message, fields: Fields, task: () => void): void;
  /** A live line, in order. */
  show(channel: Channel, source: string, uid: string, entry: Entry): void;
  /** @returns false when it is not to be shown here; else `entry` has its source. */
  admit(channel: Channel, source: string, uid: string, entry: Entry): boolean;
  /** Lines from history, sorted, that were missing here. */
  showMissed(channel: Channel, entries: Entry[]): void;
  redact(channel: Channel, source: string, uid: string, msgid: string, reason: string): void;
  /** "3 messages from bob@fc12… may be missing" */
  tellGap(channel: Channel, source: string, count: number): void;
  hides(address: string): boolean;
  countMalformed(): void;
  onError(text: string): void;
}

const GAPS_MAX = 256;
const WAITING_MAX = 2000;
const UNSENT_BEFORE_WAITING = 8;
const SYNC_MEMBERS_MAX = 3;
const SYNC_QUEUE_MAX = 16;
const SYNC_TIMEOUT_MS = 3000;
const FIRST_SYNC_TIMEOUT_MS = 1500;
const GAP_GRACE_MS = 4000;
const ANSWER_EVERY_MS = 300;
const ITEMS_MAX = 5000;
const PARTS_MAX = 64;
/** Of a node that is here but of which nothing has come yet, history younger than this waits for the node's own word. */
const FRESH_MS = 30_000;
const HELD_MS = 2_000;
const HELD_MAX = 1000;

/** A line of history that may also be on its way. */
interface Held {
  entry: Entry;
  from: string;
  untilMs: number;
}

export class ChannelLink {
  readonly channel: Channel;
  readonly index: number;
  readonly #port: ChannelLinkPort;
  readonly #streams = new LineStreams();
  readonly #members = new Set<string>();
  /** When somebody of this node was last in the channel. */
  emptyMs: number;
  #group: Group | undefined = undefined;
  #left = false;
  #n = 0;
  /** Lines up to here are in the group's log: the others get them by themselves. */
  #published = 0;
  /** How far we had published when a member came: only what is older has to come from history. */
  readonly #joinedAt = new Map<string, number>();
  /** The stream that a node's present run speaks in; those of earlier runs bring nothing more by themselves. */
  readonly #current = new Map<string, string>();
  #held: Held[] = [];
  readonly #late = new LateLines();
  /** From history, to be shown with the late lines. */
  #missed: Entry[] = [];
  /** Lines that wait for the group to be joined. */
  #waiting: { data: Uint8Array; n: number; done: () => void }[] = [];
  #unsentCount = 0;
  #syncQueue: string[] = [];
  #syncing: { member: string; untilMs: number; entries: Entry[]; partCount: number } | undefined = undefined;
  #first: { promise: Promise<void>; resolve: () => void; untilMs: number } | undefined;
  /** Sources of which something is missing, and when that is told. */
  readonly #gaps = new Map<string, number>();
  readonly #compared = new Map<string, string>();
  readonly #answeredMs = new Map<string, number>();

  constructor(client: Client, channel: Channel, index: number, port: ChannelLinkPort) {
    this.channel = channel;
    this.index = index;
    this.#port = port;
    this.emptyMs = port.now();
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    // Nobody of another node is known to be there: nothing to wait for.
    const others = [...channel.members.keys()].some((user) => !user.local);
    this.#first = others ? { promise, resolve, untilMs: port.now() + FIRST_SYNC_TIMEOUT_MS } : undefined;
    client.join(`irc/${channel.key}`, {
      onMessage: (message) => this.#onMessage(message),
      onDatagram: ({ source, data }) => this.#onMessage({ source, data, epoch: 0, seq: 0, addressed: false }),
      onGap: (gap) => this.#onGap(gap),
      onMember: (event) => this.#onMember(event),
      onRejoin: () => this.#onJoined(),
    }).then((group) => {
      this.#group = group;
      if (this.#left) void group.leave().catch(() => undefined);
      else this.#onJoined();
    }, (error: unknown) => {
      port.onError(`can not join the group of ${channel.name}: ${String(error)}`);
      for (const { done } of this.#waiting.splice(0)) done();
      this.#endFirst();
    });
  }

  leave(): void {
    this.#left = true;
    this.#endFirst();
    void this.#group?.leave().catch(() => undefined);
  }

  get streamName(): string {
    return `${this.#port.run.toString(36)}/${this.index.toString(36)}`;
  }
  next(): number {
    return ++this.#n;
  }
  /** While the members' history is on its way for the first time. */
  get synced(): Promise<void> | undefined {
    return this.#first?.promise;
  }

  // --- sending ----------------------------------------------------------------------------------------------------

  /** @returns a promise when the sender should wait. */
  say(uid: string, entry: Entry): Promise<void> | undefined {
    const { n, nick, user } = entry.origin as NonNullable<Entry['origin']>;
    return this.#send(encodeMessage({ ...this.#head('m'), n, u: uid, K: nick, U: user, ...encodeText(entry) }), n);
  }
  hint(uid: string, entry: Entry): void {
    const data = encodeMessage({ ...this.#head('m'), n: 0, u: uid, K: '', U: '', ...encodeText(entry) });
    void this.#group?.datagram(data).catch(() => undefined);
  }
  redact(uid: string, msgid: string, reason: string): void {
    void this.#send(encodeMessage({ ...this.#head('r'), u: uid, d: msgid, x: reason }));
  }

  #head(kind: string): Fields {
    return { t: kind, e: this.#port.run, v: this.#port.version, i: this.index };
  }

  /** @param n of a line, 0 for what is none */
  #send(data: Uint8Array, n = 0): Promise<void> | undefined {
    const group = this.#group;
    if (group === undefined) {
      if (this.#waiting.length >= WAITING_MAX) return undefined;
      return new Promise((done) => this.#waiting.push({ data, n, done }));
    }
    this.#unsentCount++;
    const sent = group.publish(data).then(
      () => {
        this.#unsentCount--;
        this.#published = Math.max(this.#published, n);
      },
      (error: unknown) => {
        this.#unsentCount--;
        if (!this.#left) this.#port.onError(`a line to ${this.channel.name} was not sent: ${String(error)}`);
      },
    );
    return this.#unsentCount > UNSENT_BEFORE_WAITING ? sent : undefined;
  }

  #onJoined(): void {
    for (const { data, n, done } of this.#waiting.splice(0)) {
      const sent = this.#send(data, n);
      if (sent === undefined) done();
      else void sent.then(done);
    }
    const address = this.#port.address;
    this.#group?.members().then((members) => {
      for (const member of members) if (!member.self && member.address !== address) this.#members.add(member.address);
      if (this.#members.size === 0) return;
      const order = [...this.#members];
      for (let i = 0; i < SYNC_MEMBERS_MAX && order.length > 0; i++) {
        this.#wantSync(order.splice(Math.floor(this.#port.random() * order.length), 1)[0] as string);
      }
    }, () => this.#endFirst());
  }

  // --- receiving --------------------------------------------------------------------------------------------------

  #onMessage(message: Message): void {
    const fields = this.#port.decode(message);
    if (fields === undefined || this.#left) return;
    this.#members.add(message.source);
    const kind = fields['t'];
    if (kind === 'h') void this.#answer(message.source, fields);
    else if (kind === 'H') this.#onHistory(message.source, fields);
    else this.#port.after(message, fields, () => this.#onLine(message, fields));
  }

  #onLine(message: Message, fields: Fields): void {
    const uid = readUid(fields['u']);
    const run = readCount(fields['e']);
    const index = readCount(fields['i']);
    if (this.#left) return;
    if (uid === undefined || run < 0 || index < 0) return this.#port.countMalformed();
    const { source } = message;
    if (fields['t'] === 'r') {
      return this.#port.redact(this.channel, source, uid, readWord(fields['d'], 200), readReason(fields['x']));
    }
    const text = readText(fields, this.#port.wallMs());
    const n = readCount(fields['n']);
    if (fields['t'] !== 'm' || text === undefined || n < 0) return this.#port.countMalformed();
    const stream = `${run.toString(36)}/${index.toString(36)}`;
    const entry: Entry = {
      ...text, msgid: msgidOf(source, stream, n), source: '', target: this.channel.name,
      origin: { address: source, stream, n, nick: isNick(fields['K']) ? fields['K'] : 'someone', user: cleanUser(fields['U']) },
    };
    if (n > 0 && (this.#holdBack(source, uid, stream, n, entry) || !this.#takeLive(source, stream, n, entry))) return;
    this.#port.show(this.channel, source, uid, entry);
  }

  #holdBack(source: string, uid: string, stream: string, n: number, entry: Entry): boolean {
    if (this.#first !== undefined) return false;
    const last = this.#streams.liveLast(source, stream);
    const hole = last > 0 && n > last + 1;
    const held = this.#late.hold({ source, uid, stream, n, entry }, hole, this.#port.now(), this.#port.wallMs());
    if (held && hole && this.#syncing?.member !== source) this.#wantSync(source);
    return held;
  }

  /** What was missed, in the order of its time; then what is new. */
  #showLate(): void {
    const missed = this.#missed.splice(0);
    const fresh = [];
    for (const line of this.#late.release()) {
      const { source, uid, stream, n, entry } = line;
      if (!this.#takeLive(source, stream, n, entry)) continue;
      if (!this.#late.isOld(line, this.#port.wallMs())) fresh.push(line);
      else if (this.#port.admit(this.channel, source, uid, entry)) missed.push(entry);
    }
    if (missed.length > 0) this.#port.showMissed(this.channel, missed);
    fresh.sort((one, other) => one.entry.timeMs - other.entry.timeMs);
    for (const { source, uid, entry } of fresh) this.#port.show(this.channel, source, uid, entry);
  }

  /** @returns false when the line has been shown. */
  #takeLive(source: string, name: string, n: number, entry: Entry): boolean {
    if (this.#held.length > 0) {
      this.#showHeld(({ entry: { origin } }) => origin!.address === source && origin!.stream === name, n);
    }
    const { fresh, given: known, hole } = this.#streams.takeLive(source, name, n);
    this.#current.set(source, name);
    // It goes on: what is missing may still come.
    if (fresh && this.#gaps.has(source)) this.#gaps.set(source, this.#port.now() + GAP_GRACE_MS);
    if (hole && this.#first === undefined) this.#wantRepair(source);
    if (!fresh || !known) return fresh;
    const given = this.channel.history.find(entry.msgid);
    // Another member gave it before: the same text is now vouched for by its source; another text was a forgery.
    if (given === undefined || given.lines.join('\n') === entry.lines.join('\n')) {
      if (given !== undefined) given.via = undefined;
      return false;
    }
    this.channel.history.remove(entry.msgid);
    return true;
  }

  #onMember(event: MemberEvent): void {
    if (this.#left) return;
    const { address, state } = event;
    if (state === 'left' || state === 'gone') {
      this.#members.delete(address);
      this.#compared.delete(address);
      this.#answeredMs.delete(address);
      this.#joinedAt.delete(address);
    } else this.#members.add(address);
    if (state !== 'back') this.#current.delete(address);
    if (state === 'joined') this.#joinedAt.set(address, this.#published);
    if (this.#first === undefined && (state === 'joined' || state === 'back')) this.#late.begin(this.#port.now());
    if (state === 'joined' || state === 'back' || state === 'restarted') this.#wantSync(address);
  }

  // --- history ----------------------------------------------------------------------------------------------------

  #wantSync(member: string): void {
    if (this.#syncQueue.includes(member) || this.#syncQueue.length >= SYNC_QUEUE_MAX) return;
    this.#syncQueue.push(member);
    this.#nextSync();
  }

  #nextSync(): void {
    if (this.#syncing !== undefined || this.#group === undefined || this.#left) return;
    const member = this.#syncQueue.shift();
    if (member === undefined) {
      this.#endFirst();
      return this.#late.settle(this.#port.now());
    }
    this.#syncing = { member, untilMs: this.#port.now() + SYNC_TIMEOUT_MS, entries: [], partCount: 0 };
    const have = this.#streams.have();
    // Its source sees by these that what is before them does not come by itself.
    for (const { source, stream, n } of this.#late.lines) (have[`${source} ${stream}`] ??= []).push(n, n);
    have[`${this.#port.address} ${this.streamName}`] = this.#n > 0 ? [1, this.#n] : [];
    this.#group.publish(encodeMessage({ ...this.#head('h'), h: have, w: this.#port.wallMs() }), { to: member })
      .catch(() => this.#endSync(member));
  }

  #endSync(member: string): void {
    const syncing = this.#syncing;
    if (syncing === undefined || syncing.member !== member) return;
    this.#syncing = undefined;
    const { entries } = syncing;
    if (this.#late.waits) this.#missed.push(...entries);
    else if (entries.length > 0) this.#port.showMissed(this.channel, entries);
    for (const source of new Set(entries.map((entry) => entry.origin?.address as string))) {
      if (this.#streams.missing(source) > 0) this.#wantRepair(source);
    }
    this.#nextSync();
  }

  #endFirst(): void {
    this.#first?.resolve();
    this.#first = undefined;
  }

  async #answer(to: string, fields: Fields): Promise<void> {
    const now = this.#port.now();
    if (now < (this.#answeredMs.get(to) ?? -Infinity) + ANSWER_EVERY_MS || !isFields(fields['h'])) return;
    this.#answeredMs.set(to, now);
    const have = new Map(Object.entries(fields['h']));
    this.channel.history.expire(this.#port.wallMs());
    const items: Fields[] = [];
    for (const entry of this.channel.history.entries) {
      const { origin } = entry;
      if (origin === undefined) continue;
      const theirs = have.get(`${origin.address} ${origin.stream}`);
      if (includes(theirs, origin.n)) continue;
      const own = origin.address === this.#port.address && origin.stream === this.streamName;
      if (own && origin.n > Math.max(this.#joinedAt.get(to) ?? 0, lastOf(theirs))) continue; // comes by itself
      items.push(historyItem(entry, origin));
    }
    await this.#sendHistory(to, items);
  }

  async #sendHistory(to: string, items: readonly Fields[]): Promise<void> {
    for (const part of historyParts(items)) {
      try {
        await this.#group?.publish(encodeMessage({ ...this.#head('H'), ...part }), { to });
      } catch {
        return; // The member has gone; it asks again when it is back.
      }
    }
  }

  #onHistory(from: string, fields: Fields): void {
    const syncing = this.#syncing;
    if (syncing === undefined || syncing.member !== from || !Array.isArray(fields['l'])) return;
    syncing.untilMs = this.#port.now() + SYNC_TIMEOUT_MS;
    for (const item of fields['l'] as unknown[]) {
      const entry = isFields(item) ? this.#readItem(from, item) : undefined;
      if (entry === undefined || syncing.entries.length >= ITEMS_MAX) continue;
      if (this.#mayOvertake(from, entry)) this.#hold(from, entry);
      else if (this.#take(from, entry)) syncing.entries.push(entry);
    }
    if (fields['m'] !== 1 || ++syncing.partCount >= PARTS_MAX) this.#endSync(from);
  }

  #readItem(from: string, item: Fields): Entry | undefined {
    const address = readWord(item['o'], 64);
    const streamName = readWord(item['r'], 24);
    const n = readCount(item['n']);
    const text = readText(item, this.#port.wallMs());
    const nick = item['K'];
    if (address === '' || streamName === '' || n < 1 || text === undefined || !isNick(nick) || this.#port.hides(address)) return undefined;
    // What we have said in this run we know ourselves.
    if (address === this.#port.address && streamName === this.streamName) return undefined;
    if (this.#comesByItself(address, streamName, n)) return undefined;
    const direct = address === from;
    const user = cleanUser(item['U']);
    return {
      ...text, msgid: msgidOf(address, streamName, n), source: `${nick}!${user}@${address}`, target: this.channel.name,
      via: direct ? undefined : from, origin: { address, stream: streamName, n, nick, user },
    };
  }

  /** Newer than what its source, who is here, has sent us in order. */
  #comesByItself(address: string, stream: string, n: number): boolean {
    if (!this.#members.has(address) || this.#current.get(address) !== stream) return false;
    return n > this.#streams.liveLast(address, stream) && !this.#streams.isOpen(address, stream);
  }

  /** It has been said lately by somebody else who is here, and of whom nothing has come yet: it may be on its way. */
  #mayOvertake(from: string, entry: Entry): boolean {
    const { address, stream } = entry.origin as NonNullable<Entry['origin']>;
    if (address === from || !this.#members.has(address) || this.#streams.liveLast(address, stream) > 0) return false;
    return this.#port.wallMs() - entry.timeMs < FRESH_MS;
  }

  #hold(from: string, entry: Entry): void {
    if (this.#held.length < HELD_MAX) this.#held.push({ entry, from, untilMs: this.#port.now() + HELD_MS });
  }

  /** Shows held lines below `before` of a stream, or of all whose time is over. What is above comes by itself. */
  #showHeld(isDue: (held: Held) => boolean, before: number): void {
    const due = this.#held.filter(isDue);
    if (due.length === 0) return;
    this.#held = this.#held.filter((held) => !due.includes(held));
    const entries = due.filter(({ entry, from }) => entry.origin!.n < before && this.#take(from, entry)).map(({ entry }) => entry);
    if (entries.length > 0) this.#port.showMissed(this.channel, entries);
  }

  /** @returns false when we have it. */
  #take(from: string, entry: Entry): boolean {
    const { address, stream, n } = entry.origin as NonNullable<Entry['origin']>;
    return this.#streams.takeGiven(address, stream, n, address === from);
  }

  // --- gaps -------------------------------------------------------------------------------------------------------

  #onGap(gap: Gap): void {
    this.#streams.open(gap.source);
    this.#wantRepair(gap.source);
  }

  /** What others must know to see whether they miss something: [channel, index, how far our stream goes, sum of history]. */
  get digest(): [string, number, number, number] {
    return [this.channel.key, this.index, this.#published, this.channel.history.sum];
  }
  /** @param sum of the member's history; other than ours: one of us has lines that the other lacks */
  onDigest(source: string, run: number, index: number, high: number, sum: number): void {
    if (index > 0 && high > 0) {
      const stream = `${run.toString(36)}/${index.toString(36)}`;
      if (this.#streams.raise(source, stream, high)) this.#wantRepair(source);
    }
    const own = this.channel.history.sum;
    const pair = `${sum} ${own}`;
    // Histories of different length never agree: once is enough.
    if (sum === own || this.#compared.get(source) === pair) return;
    this.#compared.set(source, pair);
    this.#wantSync(source);
  }

  #wantRepair(source: string): void {
    if (!this.#gaps.has(source) && this.#gaps.size < GAPS_MAX) this.#gaps.set(source, this.#port.now() + GAP_GRACE_MS);
  }

  /** Call it every second. */
  tick(): void {
    const now = this.#port.now();
    if (this.#first !== undefined && (now >= this.#first.untilMs)) this.#endFirst();
    if (this.#syncing !== undefined && now >= this.#syncing.untilMs) this.#endSync(this.#syncing.member);
    this.#showHeld(({ untilMs }) => untilMs <= now, Infinity);
    if (this.#late.isOver(now)) this.#showLate();
    for (const [source, dueMs] of this.#gaps) {
      const missing = this.#streams.missing(source);
      if (now >= dueMs) {
        this.#gaps.delete(source);
        this.#streams.tell(source);
        if (missing > 0) this.#port.tellGap(this.channel, source, missing);
      } else if (missing > 0 && now >= dueMs - GAP_GRACE_MS * 0.75) {
        // Nothing has come for a while. First the source itself, then others that may have it.
        this.#streams.open(source);
        if (this.#members.has(source)) this.#wantSync(source);
        for (const member of [...this.#members].slice(0, SYNC_MEMBERS_MAX - 1)) this.#wantSync(member);
      }
    }
  }
}

/** Message id on the whole mesh: source address, run and channel number of its stream, number of the line. */
export function msgidOf(address: string, stream: string, n: number): string {
  return `${address}/${stream}-${n.toString(36)}`;
}
