/**
 * One channel's group "irc/#channel": shows the others' lines, and sees to it that none is missing. What it is made of:
 * channel-outbox (what we say), arrivals (which lines are new, and their order), history-exchange (what members give
 * each other), channel-gaps (what nobody can fill is told), channel-lines (what is shown here).
 *
 * A line is named by source address, stream and number (line-id.ts). So what is missing shows as a hole, and what comes
 * twice (repaired, and from another member's history) is shown once. A line that another member gave is marked with his
 * address (meshchat/via): only he vouches for it.
 *
 * History must not overtake what is on its way: of a node that is in the channel it fills holes only, up to the newest
 * line that came from the node itself; what is newer comes by itself, in order, unless it is known not to.
 */
import type { Gap, MemberEvent, Message } from '../client/client.ts';
import { Arrivals } from './arrivals.ts';
import { type Channel, topicHash } from './channel.ts';
import { ChannelGaps } from './channel-gaps.ts';
import type { ChannelLines } from './channel-lines.ts';
import type { ChannelNotices } from './channel-notices.ts';
import { ChannelOutbox } from './channel-outbox.ts';
import type { Directory } from './directory.ts';
import type { Entry } from './history.ts';
import { HistoryExchange } from './history-exchange.ts';
import type { HistoryExchangeParts } from './history-exchange.ts';
import type { HistoryRequests } from './history-requests.ts';
import { msgidOf, streamName } from './line-id.ts';
import { LIVE_MS_MAX, readCount, readReason, readText, readUid, readWord } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { cleanUser, isNick } from './names.ts';
import type { Clock } from './network.ts';

/** What all links of this node share. */
export interface ChannelLinkParts extends HistoryExchangeParts {
  readonly directory: Directory;
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

export class ChannelLink {
  readonly channel: Channel;
  readonly outbox: ChannelOutbox;
  /** When somebody of this node was last in the channel. */
  emptyMs: number;
  readonly #parts: ChannelLinkParts;
  readonly #clock: Clock;
  readonly #members = new Set<string>();
  readonly #arrivals: Arrivals;
  readonly #exchange: HistoryExchange;
  readonly #requests: HistoryRequests;
  readonly #gaps: ChannelGaps;
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
    this.#arrivals = this.#makeArrivals();
    this.#exchange = new HistoryExchange(parts, channel, this.outbox, this.#arrivals, others && !again);
    this.#requests = this.#exchange.requests;
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

  #makeArrivals(): Arrivals {
    return new Arrivals(this.channel, this.#clock, this.#parts.lines, {
      members: this.#members,
      first: () => this.synced !== undefined,
      onHole: (source) => this.#gaps.want(source, this.#clock.now()),
      onProgress: (source) => this.#gaps.goesOn(source, this.#clock.now()),
      ask: (source) => {
        if (this.#requests.member !== source) this.#requests.want(source);
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
    if (kind === 'h') void this.#exchange.answer(message.source, fields);
    else if (kind === 'H') this.#exchange.onPart(message.source, fields);
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
      this.#exchange.forget(address);
    } else this.#members.add(address);
    if (state !== 'back') this.#arrivals.onRun(address);
    if (state === 'joined') this.#exchange.onJoined(address);
    if (state === 'joined' || state === 'back') this.#arrivals.onReturn();
    if (state === 'joined' || state === 'back' || state === 'restarted') this.#requests.want(address);
  }

  #onGap(gap: Gap): void {
    this.#arrivals.streams.open(gap.source);
    this.#gaps.want(gap.source, this.#clock.now());
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
    this.#exchange.compare(source, typeof told[2] === 'number' ? told[2] : 0);
    // Whoever has set the topic may be gone, and nobody's facts have changed since: so it is compared.
    const { topic } = this.channel;
    const own = topic?.clock ?? 0;
    return clock > own || (clock === own && told[4] !== topicHash(topic));
  }

  /** Call it twice a second. */
  tick(): void {
    const now = this.#clock.now();
    this.#requests.onTick(now);
    this.#arrivals.onTick(now);
    this.#gaps.onTick(now);
  }
}
