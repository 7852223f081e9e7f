/**
 * Subscription flood: every known peer learns every join and leave of ours, and which other addresses we have, repeated
 * until it has acknowledged the version ("guaranteed to nodes that are online"). First-person only: nobody speaks for
 * others.
 */
import { ADDRESS_LENGTH, parseAddress } from '../wire/address.ts';
import { GROUP_ID_LENGTH, groupKey } from '../wire/group-id.ts';
import { DATAGRAM_BYTES_MAX, FRAME_HEADER_LENGTH, FRAME_SUBS } from '../wire/frame.ts';
import { HEADER_LENGTH } from '../wire/header.ts';
import {
  type Subs, SUBS_ADDRESS_AWAY, SUBS_ADDRESS_LENGTH, SUBS_ADDRESSES_MAX, SUBS_ENTRIES_MAX, SUBS_ENTRY_LENGTH, SUBS_LENGTH,
} from '../wire/subs.ts';
import { serialDiff } from '../wire/serial.ts';
import type { Local } from './context.ts';
import type { DatagramWriter } from './datagram-writer.ts';
import type { Peer, Subscription } from './peer.ts';

/** Retries: one round trip and a margin at first, 1.5 times longer each time, at most this. */
const RETRY_MS_MAX = 8000;
const BODY_BYTES_MAX = DATAGRAM_BYTES_MAX - HEADER_LENGTH - FRAME_HEADER_LENGTH;

export interface SubscriptionListener {
  /** A peer joined these groups of its list, left those. Called after peer.subscriptions has been replaced. */
  onSubscriptions(now: number, peer: Peer, joined: Subscription[], left: Subscription[]): void;
}

export class Subscriptions {
  /** Rises with every change, of our addresses too; 1 is the empty list at the start. */
  version = 1;
  readonly #own = new Map<number, Subscription>();

  /** Gives it its life. @returns false when the list is full. */
  add(subscription: Subscription): boolean {
    if (this.#own.size >= SUBS_ENTRIES_MAX) return false;
    this.#own.set(groupKey(subscription.high, subscription.low), subscription);
    this.touch();
    subscription.life = this.version & 255;
    return true;
  }

  remove(key: number): void {
    if (this.#own.delete(key)) this.touch();
  }

  touch(): void {
    this.version = (this.version + 1) >>> 0;
  }

  /** When to send SUBS again if no acknowledgement comes. */
  retryMs(peer: Peer): number {
    const first = 1.15 * peer.ownRoundTrip.srttMs + 4 * peer.ownRoundTrip.variationMs + 20;
    return Math.round(Math.min(RETRY_MS_MAX, first * 1.5 ** Math.max(0, peer.subsSentCount - 1)));
  }

  /** Appends SUBS, with as many of our other addresses as fit beside the groups. @returns false when it does not fit. */
  write(writer: DatagramWriter, others: readonly Local[], former: readonly Local[]): boolean {
    const { bytes, view, bodyAt } = writer;
    const length = SUBS_LENGTH + this.#own.size * SUBS_ENTRY_LENGTH;
    const room = Math.floor((BODY_BYTES_MAX - 1 - length) / SUBS_ADDRESS_LENGTH);
    const named = [...others, ...former].slice(0, Math.min(SUBS_ADDRESSES_MAX, room));
    const count = named.length;
    if (writer.room < length + (count && 1 + count * SUBS_ADDRESS_LENGTH)) return false;
    view.setUint32(bodyAt, this.version);
    view.setUint16(bodyAt + 4, this.#own.size);
    let at = bodyAt + SUBS_LENGTH;
    for (const { high, low, life, start } of this.#own.values()) {
      view.setUint32(at, high);
      view.setUint32(at + 4, low);
      view.setUint8(at + GROUP_ID_LENGTH, life);
      view.setUint8(at + GROUP_ID_LENGTH + 1, start);
      at += SUBS_ENTRY_LENGTH;
    }
    if (count > 0) view.setUint8(at++, count);
    for (const local of named) {
      bytes.set(parseAddress(local.address) ?? new Uint8Array(ADDRESS_LENGTH), at);
      view.setUint16(at + ADDRESS_LENGTH, local.port);
      view.setUint8(at + ADDRESS_LENGTH + 2, others.includes(local) ? 0 : SUBS_ADDRESS_AWAY);
      at += SUBS_ADDRESS_LENGTH;
    }
    writer.close(FRAME_SUBS, 0, at);
    return true;
  }

  /** Takes a peer's list; older versions than the one held are ignored. */
  receive(now: number, peer: Peer, view: DataView, subs: Subs, listener: SubscriptionListener): void {
    const newer = peer.subsHeld === 0 || serialDiff(subs.version, peer.subsHeld) > 0;
    if (!newer) return;
    peer.subsHeld = subs.version;
    if (serialDiff(subs.version, peer.subsVersion) > 0) peer.subsVersion = subs.version;
    const before = new Map(peer.subscriptions);
    const joined: Subscription[] = [];
    peer.subscriptions.clear();
    for (let i = 0, entry = subs.entriesAt; i < subs.count; i++, entry += SUBS_ENTRY_LENGTH) {
      const high = view.getUint32(entry);
      const low = view.getUint32(entry + 4);
      const key = groupKey(high, low);
      const subscription = { high, low, life: view.getUint8(entry + 8), start: view.getUint8(entry + 9) };
      peer.subscriptions.set(key, subscription);
      // Where the list between was lost, only its life tells of one who has left and joined again.
      if (before.get(key)?.life === subscription.life) before.delete(key);
      else joined.push(subscription);
    }
    listener.onSubscriptions(now, peer, joined, [...before.values()]);
  }
}
