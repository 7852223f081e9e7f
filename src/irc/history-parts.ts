/**
 * Lines of a history as one member sends them to another: o source, r stream, n number, K nick, U user, and the text.
 */
import type { Entry, Origin } from './history.ts';
import { msgidOf } from './line-id.ts';
import { encodeText, packItems, readCount, readText, readWord } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { cleanUser, isNick } from './names.ts';

const PART_BYTES = 30_000;

export function historyItem(entry: Entry, origin: Origin): Fields {
  return { o: origin.address, r: origin.stream, n: origin.n, K: origin.nick, U: origin.user, ...encodeText(entry) };
}

/** @param from the member that sent it; @returns undefined for what breaks a rule */
export function readHistoryItem(from: string, item: Fields, channel: string, wallMs: number): Entry | undefined {
  const address = readWord(item['o'], 64);
  const stream = readWord(item['r'], 24);
  const n = readCount(item['n']);
  const text = readText(item, wallMs);
  const nick = item['K'];
  if (address === '' || stream === '' || n < 1 || text === undefined || !isNick(nick)) return undefined;
  const user = cleanUser(item['U']);
  return {
    ...text, msgid: msgidOf(address, stream, n), source: '', target: channel,
    via: address === from ? undefined : from, origin: { address, stream, n, nick, user },
  };
}

/** An answer in messages that fit: l the items, m 1 when more follow. No items: one message that says so. */
export function historyParts(items: readonly Fields[]): { l: Fields[]; m: 0 | 1 }[] {
  const parts = packItems(items, PART_BYTES);
  return parts.map((l, i) => ({ l, m: i < parts.length - 1 ? 1 : 0 }));
}
