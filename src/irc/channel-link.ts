/**
 * One channel's group "irc/#channel": shows the others' lines, and sees to it that none is missing. What it is made of:
 * channel-outbox (what we say), arrivals (which lines are new, and their order), history-requests and history-answers
 * (what members give each other), channel-gaps (what nobody can fill is told).
 *
 * A line is named by source address, stream and number (line-id.ts). So what is missing shows as a hole, and what comes
 * twice (repaired, and from another member's history) is shown once. History is asked for from members, a few, one
 * after the other: when the channel is joined, when a member comes (back), and when a hole stays. A line that another
 * member gave is marked with his address (meshchat/via): only he vouches for it.
 *
 * History must not overtake what is on its way: of a node that is in the channel it fills holes only, up to the newest
 * line that came from the node itself; what is newer comes by itself, in order, unless it is known not to.
 */
import type { Client, Gap, MemberEvent, Message } from '../client/client.ts';
import { Arrivals } from './arrivals.ts';
import { type Channel, topicHash } from './channel.ts';
import { ChannelGaps } from './channel-gaps.ts';
import type { ChannelLines } from './channel-lines.ts';
import type { ChannelNotices } from './channel-notices.ts';
import { ChannelOutbox } from './channel-outbox.ts';
import type { Directory } from './directory.ts';
import type { Entry } from './history.ts';
import { HistoryAnswers } from './history-answers.ts';
import { historyParts, readHistoryItem } from './history-parts.ts';
import { HistoryRequests } from './history-requests.ts';
import { msgidOf, streamName } from './line-id.ts';
import { isFields, LIVE_MS_MAX, readCount, readReason, readText, readUid, readWord } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { cleanUser, isNick } from './names.ts';
import type { Clock, Network } from './network.ts';
import type { OwnName } from './own-name.ts';
import type { PeerGate } from './peer-gate.ts';

/** What all links of this node share. */
export interface ChannelLinkParts {
  readonly client: Client;
  readonly network: Network;
  readonly directory: Directory;
  readonly gate: PeerGate;
  /** Our own addresses. */
  readonly name: OwnName;
  readonly lines: ChannelLines;
  readonly notices: ChannelNotices;
  readonly counters: { malformed: number; linesOut: number };
  random(): number;
}

export interface ChannelLinkOutput {
  /** The channel's group can not be joined: the link is of no use any more. */
  cutOff(channel: Channel, reason: string): void;
  /** The channel's group is joined. */
  connected(channel: Channel): void;
}

const COMPARISONS_MAX = 3;
const ITEMS_MAX = 5000;

export class ChannelLink {
  readonly channel: Channel;
  readonly outbox: ChannelOutbox;
  /** When somebody of this node was last in the channel. */
  emptyMs: number;
  readonly #parts: ChannelLinkParts;
  readonly #clock: Clock;
  readonly #members = new Set<string>();
  readonly #arrivals: Arrivals;
  readonly #requests: HistoryRequests;
  readonly #answers = new HistoryAnswers();
  readonly #gaps: ChannelGaps;
  /** What was last compared with a member's history, and how often. */
  readonly #compared = new Map<string, { pair: string; count: number }>();
  #left = false;

  /** @param again the channel was cut off: who is in it is shown what he has missed */
  constructor(parts: ChannelLinkParts, channel: Channel, index: number, output: ChannelLinkOutput, again: boolean) {
    this.channel = channel;
    this.outbox = new ChannelOutbox(channel, index, parts.directory.own, parts.notices);
    this.#parts = parts;
    this.#clock = parts.network.clock;
    this.emptyMs = this.#clock.now();
    // Nobody of another node is known to be there: nothing to wait for.
    const others = [...channel.members.keys()].some((user) => !user.local);
    this.#requests = this.#makeRequests(others && !again);
    this.#arrivals = this.#makeArrivals();
    this.#gaps = new ChannelGaps(this.#arrivals.streams, {
      repair: (source) => this.#requests.wantFor(source, this.#members),
      tell: (source, count) => parts.notices.missing(channel, source, count),
    });
    parts.client.join(`irc/${channel.key}`, {
      onMessage: (message) => this.#onMessage(message),
      onDatagram: ({ source, data }) => this.#onMessage({ source, data, epoch: 0, seq: 0, addressed: false }),
      onGap: (gap) => this.#onGap(gap),
      onMember: (event) => this.#onMember(event),
      onRejoin: () => this.#onJoined(),
    }).then((group) => {
      this.outbox.open(group);
      this.#onJoined();
      output.connected(channel);
    }, (error: unknown) => {
      const { message } = error as Error;
      output.cutOff(channel, message);
      this.outbox.giveUp(message);
      this.#requests.endFirst();
    });
  }

  #makeRequests(first: boolean): HistoryRequests {
    const outbox = this.outbox;
    return new HistoryRequests({
      now: () => this.#clock.now(),
      get ready() {
        return outbox.group !== undefined;
      },
      ask: (member) => this.#ask(member),
      onAnswer: (entries) => this.#arrivals.onAnswer(entries),
      onIdle: () => this.#arrivals.onIdle(),
    }, first);
  }

  #makeArrivals(): Arrivals {
    const requests = this.#requests;
    return new Arrivals(this.channel, this.#clock, this.#parts.lines, {
      members: this.#members,
      first: () => requests.synced !== undefined,
      onHole: (source) => this.#gaps.want(source, this.#clock.now()),
      onProgress: (source) => this.#gaps.goesOn(source, this.#clock.now()),
      ask: (source) => {
        if (requests.member !== source) requests.want(source);
      },
    });
  }

  leave(): void {
    this.#left = true;
    this.#requests.endFirst();
    this.outbox.leave();
  }

  /** While the members' history is on its way for the first time. */
  get synced(): Promise<void> | undefined {
    return this.#requests.synced;
  }

  #onJoined(): void {
    const address = this.#parts.network.host;
    this.outbox.group?.members().then((members) => {
      for (const member of members) if (!member.self && member.address !== address) this.#members.add(member.address);
      this.#requests.wantSome(this.#members, () => this.#parts.random());
    }, () => this.#requests.endFirst());
  }

  // --- receiving --------------------------------------------------------------------------------------------------

  #onMessage(message: Message): void {
    const fields = this.#parts.gate.decode(message);
    if (fields === undefined || this.#left) return;
    this.#members.add(message.source);
    const kind = fields['t'];
    if (kind === 'h') void this.#answer(message.source, fields);
    else if (kind === 'H') this.#onHistory(message.source, fields);
    else this.#parts.directory.after(message, fields, () => this.#onLine(message, fields));
  }

  #onLine(message: Message, fields: Fields): void {
    const uid = readUid(fields['u']);
    const run = readCount(fields['e']);
    const index = readCount(fields['i']);
    if (this.#left) return;
    if (uid === undefined || run < 0 || index < 0) return void this.#parts.counters.malformed++;
    const { source } = message;
    if (fields['t'] === 'r') {
      const msgid = readWord(fields['d'], 200);
      return this.#parts.lines.redact(this.channel, source, uid, msgid, readReason(fields['x']));
    }
    const text = readText(fields, this.#clock.wallMs(), LIVE_MS_MAX);
    const n = readCount(fields['n']);
    if (fields['t'] !== 'm' || text === undefined || n < 0) return void this.#parts.counters.malformed++;
    const stream = streamName(run, index);
    const nick = isNick(fields['K']) ? fields['K'] : 'someone';
    const entry: Entry = {
      ...text, msgid: msgidOf(source, stream, n), source: '', target: this.channel.name,
      origin: { address: source, stream, n, nick, user: cleanUser(fields['U']) },
    };
    this.#arrivals.onLive({ source, uid, stream, n, entry });
  }

  #onMember(event: MemberEvent): void {
    if (this.#left) return;
    const { address, state } = event;
    if (state === 'left' || state === 'gone') {
      this.#members.delete(address);
      this.#compared.delete(address);
      this.#answers.forget(address);
    } else this.#members.add(address);
    if (state !== 'back') this.#arrivals.onRun(address);
    if (state === 'joined') this.#answers.onJoined(address, this.outbox.published);
    if (state === 'joined' || state === 'back') this.#arrivals.onReturn();
    if (state === 'joined' || state === 'back' || state === 'restarted') this.#requests.want(address);
  }

  #onGap(gap: Gap): void {
    this.#arrivals.streams.open(gap.source);
    this.#gaps.want(gap.source, this.#clock.now());
  }

  // --- history ----------------------------------------------------------------------------------------------------

  #ask(member: string): Promise<void> {
    const { count, streamName: own } = this.outbox;
    const have = this.#arrivals.have();
    for (const address of this.#parts.name.addresses) have[`${address} ${own}`] = count > 0 ? [1, count] : [];
    return this.outbox.tell(member, 'h', { h: have, y: member });
  }

  async #answer(to: string, fields: Fields): Promise<void> {
    this.channel.history.expire(this.#clock.wallMs());
    const { addresses } = this.#parts.name;
    // As he calls us: he may know us by another of our addresses, and others too.
    const own = addresses.find((one) => one === fields['y']) ?? this.#parts.network.host;
    const nameOf = (one: string): string => (addresses.includes(one) ? own : this.#nameOf(one));
    const stream = `${own} ${this.outbox.streamName}`;
    const items = this.#answers.itemsFor(to, fields['h'], this.channel, this.#clock.now(), stream, nameOf);
    if (items === undefined) return;
    for (const part of historyParts(items)) {
      try {
        await this.outbox.tell(to, 'H', part);
      } catch {
        return; // The member has gone; it asks again when it is back.
      }
    }
  }

  #onHistory(from: string, fields: Fields): void {
    if (!Array.isArray(fields['l'])) return;
    const request = this.#requests.answered(from);
    if (request === undefined) return;
    for (const item of fields['l'] as unknown[]) {
      const entry = isFields(item) ? this.#readItem(from, item) : undefined;
      if (entry === undefined || !this.#isWanted(entry) || request.entries.length >= ITEMS_MAX) continue;
      if (this.#arrivals.onGiven(from, entry)) request.entries.push(entry);
    }
    this.#requests.onPart(request, fields['m'] === 1);
  }

  /** The address by which the node is known here that this is an address of. */
  #nameOf(address: string): string {
    return this.#parts.client.memberOf?.(address) ?? address;
  }

  #readItem(from: string, item: Fields): Entry | undefined {
    const o = this.#nameOf(readWord(item['o'], 64));
    return readHistoryItem(from, { ...item, o }, this.channel.name, this.#clock.wallMs());
  }

  /** What we have said in this run we know ourselves. */
  #isWanted(entry: Entry): boolean {
    const { address, stream } = entry.origin as NonNullable<Entry['origin']>;
    const ours = stream === this.outbox.streamName && this.#parts.name.addresses.includes(address);
    return !ours && !this.#parts.gate.hides(address);
  }

  // --- time and digests -------------------------------------------------------------------------------------------

  /**
   * What others see by whether they miss something: [channel, index, how far our stream goes, sum of history, clock of
   * the topic, hash of who set it and when].
   */
  get digest(): [string, number, number, number, number, number] {
    const { key, history, topic } = this.channel;
    const { index, published } = this.outbox;
    return [key, index, published, history.sum, topic?.clock ?? 0, topicHash(topic)];
  }
  /** @returns whether the member knows another topic. */
  onDigest(source: string, run: number, told: readonly unknown[]): boolean {
    const [index, high, , clock] = told.map(readCount) as [number, number, number, number];
    if (index > 0 && high > 0 && this.#arrivals.streams.raise(source, streamName(run, index), high)) {
      this.#gaps.want(source, this.#clock.now());
    }
    this.#compare(source, typeof told[2] === 'number' ? told[2] : 0);
    // Whoever has set the topic may be gone, and nobody's facts have changed since: so it is compared.
    const { topic } = this.channel;
    const own = topic?.clock ?? 0;
    return clock > own || (clock === own && told[4] !== topicHash(topic));
  }

  /** @param sum of the member's history; other than ours: one of us has lines that the other lacks */
  #compare(source: string, sum: number): void {
    const own = this.channel.history.sum;
    const pair = `${sum} ${own}`;
    const last = this.#compared.get(source);
    const count = last?.pair === pair ? last.count + 1 : 1;
    // Histories of different length never agree: it is tried a few times, as an answer may be lost.
    if (sum === own || count > COMPARISONS_MAX) return;
    this.#compared.set(source, { pair, count });
    this.#requests.want(source);
  }

  /** Call it twice a second. */
  tick(): void {
    const now = this.#clock.now();
    this.#requests.onTick(now);
    this.#arrivals.onTick(now);
    this.#gaps.onTick(now);
  }
}
