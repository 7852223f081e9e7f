/**
 * One node on two meshes is two peers with two addresses. It is counted once only after both addresses confirm each other:
 * each names the other in ADDRESSES, with the same random number of its daemon, under its own proven epoch (nobody else can
 * speak from them). Then one of the two ways is used, the same at both ends: the one whose pair of addresses sorts first. The
 * other peer stays greeted and steps in when the first is gone.
 */
import { ADDRESS_LENGTH, endpointId, formatAddress, parseAddress } from '../wire/address.ts';
import { FRAME_ADDRESSES } from '../wire/frame.ts';
import type { BroadcastContext } from './context.ts';
import { GONE, type Peer } from './peer.ts';

const ADDRESSES_MAX = 8;
const ENTRY_LENGTH = ADDRESS_LENGTH + 2;
const HEAD_LENGTH = 5;

/** Appends ADDRESSES when we have others than the one that this peer sees. */
export function writeAddresses(context: BroadcastContext, peer: Peer): void {
  const { identity, locals, writer } = context;
  const others = locals.filter((local, index) => local !== undefined && index !== peer.local).slice(0, ADDRESSES_MAX);
  if (others.length === 0 || writer.room < HEAD_LENGTH + others.length * ENTRY_LENGTH) return;
  let at = writer.bodyAt;
  writer.view.setUint32(at, identity);
  writer.view.setUint8(at + 4, others.length);
  at += HEAD_LENGTH;
  for (const local of others) {
    writer.bytes.set(parseAddress(local!.address) ?? new Uint8Array(ADDRESS_LENGTH), at);
    writer.view.setUint16(at + ADDRESS_LENGTH, local!.port);
    at += ENTRY_LENGTH;
  }
  writer.close(FRAME_ADDRESSES, 0, at);
}

export class Twins {
  readonly #context: BroadcastContext;

  constructor(context: BroadcastContext) {
    this.#context = context;
  }

  /** @returns false when malformed. */
  onAddresses(now: number, peer: Peer, at: number, length: number): boolean {
    const { bytes, options, view } = this.#context;
    if (length < HEAD_LENGTH) return false;
    const count = view.getUint8(at + 4);
    if (count > ADDRESSES_MAX || length < HEAD_LENGTH + count * ENTRY_LENGTH) return false;
    peer.identity = view.getUint32(at);
    peer.twinIds = [];
    for (let i = 0, entry = at + HEAD_LENGTH; i < count; i++, entry += ENTRY_LENGTH) {
      peer.twinIds.push(endpointId(formatAddress(bytes, entry), view.getUint16(entry + ADDRESS_LENGTH), options.port));
    }
    this.settle(now, peer);
    return true;
  }

  /** Decides anew which of a node's addresses is used: one of them came, went or spoke. */
  settle(now: number, peer: Peer): void {
    const ways = [peer, ...this.#twinsOf(peer)];
    let chosen: Peer | undefined;
    for (const way of ways) {
      if (this.#usable(way) && (chosen === undefined || this.#pair(way) < this.#pair(chosen))) chosen = way;
    }
    for (const way of ways) {
      const shadowed = chosen !== undefined && way !== chosen && this.#usable(way);
      if (way.shadowed === shadowed) continue;
      way.shadowed = shadowed;
      this.#context.upper.onShadow(now, way);
    }
  }

  #twinsOf(peer: Peer): Peer[] {
    const twins: Peer[] = [];
    for (const id of peer.twinIds) {
      const other = this.#context.peers.find(id);
      if (other !== undefined && other.identity === peer.identity && other.twinIds.includes(peer.id)) twins.push(other);
    }
    return twins;
  }

  #usable(peer: Peer): boolean {
    return peer.known && peer.state !== GONE && this.#context.locals[peer.local] !== undefined;
  }

  /** Both ends of a way, in one order: the same text at either end. */
  #pair(peer: Peer): string {
    const own = this.#context.locals[peer.local]!.id;
    return own < peer.id ? `${own} ${peer.id}` : `${peer.id} ${own}`;
  }
}
