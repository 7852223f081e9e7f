/**
 * Peer exchange: a mesh's own tables are partial (16-node cjdns tree: 9 to 16 of 16), so peers tell each other whom
 * they have heard lately. Each address is only a candidate until it answers us itself.
 */
import { ADDRESS_LENGTH, formatAddress, parseAddress } from '../wire/address.ts';
import { FRAME_PEERS } from '../wire/frame.ts';
import { PEER_SHARES_GROUP, PEERS_ENTRIES_MAX, PEERS_ENTRY_LENGTH } from '../wire/gossip.ts';
import type { Admission } from './admission.ts';
import type { BroadcastContext } from './context.ts';
import { HEARSAY } from './mesh-source.ts';
import { ALIVE, ANSWERED, type Peer } from './peer.ts';

/** A peer may tell us so often, and a few times more in a row: anybody can invent addresses. */
const TOLD_MS = 10_000;
const TOLD_BURST = 3;

function sharesGroup(a: Peer, b: Peer): boolean {
  for (const key of a.subscriptions.keys()) if (b.subscriptions.has(key)) return true;
  return false;
}

/** Appends PEERS: live peers on the receiver's mesh, those in its groups first, the others drawn at random. */
export function writePeers(context: BroadcastContext, to: Peer): void {
  const { peers, random, writer } = context;
  const room = Math.min(PEERS_ENTRIES_MAX, Math.floor((writer.room - 1) / PEERS_ENTRY_LENGTH));
  const shared: Peer[] = [];
  const others: Peer[] = [];
  for (const peer of peers.of(ANSWERED)) {
    if (peer.state !== ALIVE || peer === to || peer.local !== to.local || peer.address.includes('%')) continue;
    (sharesGroup(peer, to) ? shared : others).push(peer);
  }
  const count = Math.min(room, shared.length + others.length);
  if (count <= 0) return;
  let at = writer.bodyAt;
  writer.view.setUint8(at++, count);
  for (let i = 0; i < count; i++) {
    const from = shared.length > 0 ? shared : others;
    const flags = from === shared ? PEER_SHARES_GROUP : 0;
    const index = Math.floor(random() * from.length);
    const peer = from[index]!;
    from[index] = from[from.length - 1]!;
    from.pop();
    writer.bytes.set(parseAddress(peer.address) ?? new Uint8Array(ADDRESS_LENGTH), at);
    writer.view.setUint16(at + 16, peer.port);
    writer.view.setUint8(at + 18, flags);
    writer.view.setUint8(at + 19, 0);
    at += PEERS_ENTRY_LENGTH;
  }
  writer.close(FRAME_PEERS, 0, at);
}

/** Takes PEERS as candidates on the mesh they came by. @returns false when malformed. */
export function acceptPeers(
  context: BroadcastContext, admission: Admission, now: number, from: Peer, at: number, length: number,
): boolean {
  const { view, bytes } = context;
  if (length < 1) return false;
  const count = view.getUint8(at);
  if (count > PEERS_ENTRIES_MAX || 1 + count * PEERS_ENTRY_LENGTH > length) return false;
  const toldAt = Math.max(from.peersAt, now - (TOLD_BURST - 1) * TOLD_MS);
  if (toldAt > now) {
    context.counters.exchangesRefused++;
    return true;
  }
  from.peersAt = toldAt + TOLD_MS;
  for (let i = 0, entry = at + 1; i < count; i++, entry += PEERS_ENTRY_LENGTH) {
    admission.onCandidate(now, from.local, {
      address: formatAddress(bytes, entry),
      port: view.getUint16(entry + 16),
      hops: 0,
      advertised: true,
      origin: HEARSAY,
    });
  }
  return true;
}
