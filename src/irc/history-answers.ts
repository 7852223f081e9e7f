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
   * @param own our stream, "ADDRESS STREAM" as he knows it
   * @param nameOf of all addresses of a node the one by which it is called here
   * @returns undefined when he asks too often, or not as he should
   */
  itemsFor(
    member: string, have: unknown, channel: Channel, nowMs: number,
    own: string, nameOf: (address: string) => string,
  ): Fields[] | undefined {
    if (nowMs < (this.#answeredMs.get(member) ?? -Infinity) + ANSWER_EVERY_MS || !isFields(have)) return undefined;
    this.#answeredMs.set(member, nowMs);
    const ranges = new Map<string, unknown[]>();
    for (const [key, list] of Object.entries(have)) {
      const [address, stream] = key.split(' ') as [string, string?];
      const name = `${nameOf(address)} ${stream}`;
      ranges.set(name, [...(ranges.get(name) ?? []), list]);
    }
    const items: Fields[] = [];
    for (const entry of channel.history.entries) {
      const { origin } = entry;
      if (origin === undefined) continue;
      const address = nameOf(origin.address);
      const name = `${address} ${origin.stream}`;
      const theirs = ranges.get(name) ?? [];
      if (theirs.some((list) => includes(list, origin.n))) continue;
      // Comes by itself.
      if (name === own && origin.n > Math.max(this.#joinedAt.get(member) ?? 0, ...theirs.map(lastOf))) continue;
      items.push(historyItem(entry, { ...origin, address }));
    }
    return items;
  }
}
