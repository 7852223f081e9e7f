/**
 * What the members of a channel give each other of its history: who asks tells what he has (h) and is answered with the
 * rest, in parts (H). Members are asked, a few, one after the other (history-requests.ts): when the channel is joined,
 * when a member comes (back), when a hole stays, and when a member's history is another than ours. What we have said
 * in this run we know ourselves, and of a member that is hidden here nothing is taken.
 */
import type { Client } from '../client/client.ts';
import type { Arrivals } from './arrivals.ts';
import type { Channel } from './channel.ts';
import type { ChannelOutbox } from './channel-outbox.ts';
import type { Entry } from './history.ts';
import { HistoryAnswers } from './history-answers.ts';
import { historyParts, readHistoryItem } from './history-parts.ts';
import { HistoryRequests } from './history-requests.ts';
import { isFields, readWord } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import type { Network } from './network.ts';
import type { OwnName } from './own-name.ts';
import type { PeerGate } from './peer-gate.ts';

export interface HistoryExchangeParts {
  readonly client: Client;
  readonly network: Network;
  readonly gate: PeerGate;
  /** Our own addresses. */
  readonly name: OwnName;
}

const COMPARISONS_MAX = 3;
const ITEMS_MAX = 5000;

export class HistoryExchange {
  readonly requests: HistoryRequests;
  readonly #parts: HistoryExchangeParts;
  readonly #channel: Channel;
  readonly #outbox: ChannelOutbox;
  readonly #arrivals: Arrivals;
  readonly #answers = new HistoryAnswers();
  /** What was last compared with a member's history, and how often. */
  readonly #compared = new Map<string, { pair: string; count: number }>();

  /** @param first who comes to the channel waits for a first round */
  constructor(
    parts: HistoryExchangeParts, channel: Channel, outbox: ChannelOutbox, arrivals: Arrivals, first: boolean,
  ) {
    this.#parts = parts;
    this.#channel = channel;
    this.#outbox = outbox;
    this.#arrivals = arrivals;
    this.requests = new HistoryRequests({
      now: () => parts.network.clock.now(),
      ready: () => outbox.group !== undefined,
      ask: (member) => this.#ask(member),
      onAnswer: (entries) => arrivals.onAnswer(entries),
      onIdle: () => arrivals.onIdle(),
    }, first);
  }

  /** What we say from now on comes to it by itself. */
  onJoined(member: string): void {
    this.#answers.onJoined(member, this.#outbox.published);
  }
  forget(member: string): void {
    this.#compared.delete(member);
    this.#answers.forget(member);
  }

  // --- asking -----------------------------------------------------------------------------------------------------

  #ask(member: string): Promise<void> {
    const count = this.#outbox.count;
    const own = this.#outbox.streamName;
    const have = this.#arrivals.have();
    for (const address of this.#parts.name.addresses) have[`${address} ${own}`] = count > 0 ? [1, count] : [];
    return this.#outbox.tell(member, 'h', { h: have, y: member });
  }

  /** A part of an answer. */
  onPart(from: string, fields: Fields): void {
    if (!Array.isArray(fields['l'])) return;
    const request = this.requests.answered(from);
    if (request === undefined) return;
    for (const item of fields['l'] as unknown[]) {
      const entry = isFields(item) ? this.#readItem(from, item) : undefined;
      if (entry === undefined || !this.#isWanted(entry) || request.entries.length >= ITEMS_MAX) continue;
      if (this.#arrivals.onGiven(from, entry)) request.entries.push(entry);
    }
    this.requests.onPart(request, fields['m'] === 1);
  }

  #readItem(from: string, item: Fields): Entry | undefined {
    const o = this.#nameOf(readWord(item['o'], 64));
    return readHistoryItem(from, { ...item, o }, this.#channel.name, this.#parts.network.clock.wallMs());
  }

  #isWanted(entry: Entry): boolean {
    const { address, stream } = entry.origin as NonNullable<Entry['origin']>;
    const ours = stream === this.#outbox.streamName && this.#parts.name.addresses.includes(address);
    return !ours && !this.#parts.gate.hides(address);
  }

  /** @param sum of the member's history; other than ours: one of us has lines that the other lacks */
  compare(source: string, sum: number): void {
    const own = this.#channel.history.sum;
    const pair = `${sum} ${own}`;
    const last = this.#compared.get(source);
    const count = last?.pair === pair ? last.count + 1 : 1;
    // Histories of different length never agree: it is tried a few times, as an answer may be lost.
    if (sum === own || count > COMPARISONS_MAX) return;
    this.#compared.set(source, { pair, count });
    this.requests.want(source);
  }

  // --- answering --------------------------------------------------------------------------------------------------

  /** A member asks. */
  async answer(to: string, fields: Fields): Promise<void> {
    const clock = this.#parts.network.clock;
    this.#channel.history.expire(clock.wallMs());
    const { addresses } = this.#parts.name;
    // As he calls us: he may know us by another of our addresses, and others too.
    const own = addresses.find((one) => one === fields['y']) ?? this.#parts.network.host;
    const nameOf = (one: string): string => (addresses.includes(one) ? own : this.#nameOf(one));
    const stream = `${own} ${this.#outbox.streamName}`;
    const items = this.#answers.itemsFor(to, fields['h'], this.#channel, clock.now(), stream, nameOf);
    if (items === undefined) return;
    for (const part of historyParts(items)) {
      try {
        await this.#outbox.tell(to, 'H', part);
      } catch {
        return; // The member has gone; it asks again when it is back.
      }
    }
  }

  /** The address by which the node is known here that this is an address of. */
  #nameOf(address: string): string {
    return this.#parts.client.memberOf?.(address) ?? address;
  }
}
