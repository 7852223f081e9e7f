/**
 * What a member that asks for the history of a channel is to be given: what we have and he has not, without what comes
 * to him by itself.
 */
import type { Channel } from './channel.ts';
import { historyItem } from './history-parts.ts';
import { includes, lastOf } from './line-streams.ts';
import { isFields } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';

const ANSWER_EVERY_MS = 300;

export class HistoryAnswers {
  /** How far we had published when a member came: only what is older has to come from history. */
  readonly #joinedAt = new Map<string, number>();
  readonly #answeredMs = new Map<string, number>();

  onJoined(member: string, published: number): void {
    this.#joinedAt.set(member, published);
  }
  forget(member: string): void {
    this.#answeredMs.delete(member);
    this.#joinedAt.delete(member);
  }

  /**
   * @param have what he says he has
   * @param own our stream, the addresses by which it may be called, and the one by which he knows it
   * @returns undefined when he asks too often, or not as he should
   */
  itemsFor(
    member: string, have: unknown, channel: Channel, nowMs: number,
    own: { name: string; addresses: readonly string[]; streamName: string },
  ): Fields[] | undefined {
    if (nowMs < (this.#answeredMs.get(member) ?? -Infinity) + ANSWER_EVERY_MS || !isFields(have)) return undefined;
    this.#answeredMs.set(member, nowMs);
    const ranges = new Map(Object.entries(have));
    const items: Fields[] = [];
    for (const entry of channel.history.entries) {
      const { origin } = entry;
      if (origin === undefined) continue;
      const ours = origin.stream === own.streamName && own.addresses.includes(origin.address);
      const address = ours ? own.name : origin.address;
      const theirs = ranges.get(`${address} ${origin.stream}`);
      if (includes(theirs, origin.n)) continue;
      if (ours && origin.n > Math.max(this.#joinedAt.get(member) ?? 0, lastOf(theirs))) continue; // comes by itself
      items.push(historyItem(entry, { ...origin, address }));
    }
    return items;
  }
}
