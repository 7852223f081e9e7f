/**
 * One node on several meshes is several peers, one for each of its addresses. They are one node only after each two of them
 * have confirmed each other: each names the other in ADDRESSES, with the same random number of its daemon, under its own
 * proven epoch (nobody else can speak from them). One of them leads: it is the member, by its address, and has the streams;
 * the others are further ways to it. What comes by any way is the leader's, and what goes to it takes the way
 * that is heard. So a mesh that fails or comes back changes no member and no number.
 *
 * An address that is bound to no key is never a way to one that is: it is left out while the other can be reached.
 */
import { ADDRESS_LENGTH, endpointId, formatAddress, parseAddress } from '../wire/address.ts';
import { FRAME_ADDRESSES } from '../wire/frame.ts';
import type { Alarm } from './alarms.ts';
import type { BroadcastContext } from './context.ts';
import type { Outbox } from './outbox.ts';
import { ALIVE, GONE, NO_WAYS, type Peer, type PeerStateNumber } from './peer.ts';

const ADDRESSES_MAX = 8;
const ENTRY_LENGTH = ADDRESS_LENGTH + 2;
const HEAD_LENGTH = 5;

/**
 * Two peers of one number are greeted so often until they have confirmed each other; so long the later one is no member.
 * Nor is, for less long, one that names a further address where we may meet it: nobody shall change his name at once.
 */
const CONFIRM_MS = 400;
const CONFIRM_TRIES = 10;
const MEET_TRIES = 4;
/** And so often more, as a member: while two names of a node are in use, all that it says comes twice. */
const LATE_TRIES = 40;
const CONFIRMING_MAX = 256;
/** While nothing was heard by a way for so long, data that comes by another is a sign to take that one. */
const FOLLOW_MS = 300;

/** Appends ADDRESSES when we have others than the one that this peer sees. */
export function writeAddresses(context: BroadcastContext, peer: Peer): void {
  const { identity, locals, writer } = context;
  const others = locals.filter((local, index) => local !== undefined && index !== peer.local).slice(0, ADDRESSES_MAX);
  // Once told, it is told that there are none any more.
  if (others.length === 0 && peer.twinIds.length === 0) return;
  if (writer.room < HEAD_LENGTH + others.length * ENTRY_LENGTH) return;
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

export class Twins implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #context: BroadcastContext;
  readonly #outbox: Outbox;
  /** A known peer of each number; a number alone proves nothing. */
  readonly #byNumber = new Map<number, Peer>();
  /** How often they will be asked still before they are members; below 0: since then. */
  readonly #confirming = new Map<Peer, number>();

  constructor(context: BroadcastContext, outbox: Outbox) {
    this.#context = context;
    this.#outbox = outbox;
  }

  /** HELLO of a peer that is believed tells its daemon's number: is it a further address of one that we know? */
  onNumber(now: number, peer: Peer, number: number): void {
    const first = this.#byNumber.get(number);
    const isNew = peer.identity !== number;
    if (isNew) this.#dropNumber(peer);
    peer.identity = number;
    if (first === undefined || !first.known || first.identity !== number) {
      this.#byNumber.set(number, peer);
    } else if (first !== peer && isNew) {
      this.#confirm(now, peer, CONFIRM_TRIES);
    }
  }

  /** One entry for each peer at most: it may tell another number each time. */
  #dropNumber(peer: Peer): void {
    if (this.#byNumber.get(peer.identity) === peer) this.#byNumber.delete(peer.identity);
    peer.identity = 0;
  }

  #confirm(now: number, peer: Peer, tries: number): void {
    if (this.#confirming.size >= CONFIRMING_MAX || peer.lead.ways.length > 0) return;
    this.#confirming.set(peer, tries);
    this.#decide(now, peer);
    this.#context.alarms.setEarlier(this, now);
  }

  /** Asks both, who then name their addresses, until they have, or it is clear that they will not. */
  onAlarm(now: number): void {
    for (const [peer, tries] of this.#confirming) {
      const first = this.#byNumber.get(peer.identity);
      const last = first === peer ? 0 : -LATE_TRIES;
      if (peer.lead.ways.length > 0 || this.#twinsOf(peer).length > 0 || tries <= last) this.#confirming.delete(peer);
      else this.#confirming.set(peer, tries - 1);
      this.#decide(now, peer);
      if (!this.#confirming.has(peer)) continue;
      for (const one of [first, peer]) if (one?.known && one.state !== GONE) this.#outbox.oweHello(one, true);
    }
    if (this.#confirming.size > 0) this.#context.alarms.set(this, now + CONFIRM_MS);
  }

  /** @returns false when malformed. */
  onAddresses(now: number, peer: Peer, at: number, length: number): boolean {
    const { bytes, locals, options, peers, view } = this.#context;
    if (length < HEAD_LENGTH) return false;
    const count = view.getUint8(at + 4);
    if (count > ADDRESSES_MAX || length < HEAD_LENGTH + count * ENTRY_LENGTH) return false;
    if (peer.identity !== view.getUint32(at)) return true;
    peer.twinIds = [];
    for (let i = 0, entry = at + HEAD_LENGTH; i < count; i++, entry += ENTRY_LENGTH) {
      const [address, port] = [formatAddress(bytes, entry), view.getUint16(entry + ADDRESS_LENGTH)];
      const id = endpointId(address, port, options.port);
      peer.twinIds.push(id);
      const local = locals.findIndex((own) => own?.accepts(address));
      // Of its present life: it may have started anew.
      if (local < 0 || peers.find(id)?.epoch === peer.epoch) continue;
      this.#context.onCandidate(now, local, { address, port, hops: 0, advertised: true });
      if (peer.subsHeld === 0) this.#confirm(now, peer, MEET_TRIES);
    }
    // An address that it no longer names is away, but it is still the one by which we call it.
    for (const way of peer.lead.ways) if (way !== peer && !peer.twinIds.includes(way.id)) way.doubtAt = now;
    this.settle(now, peer);
    return true;
  }

  /** One of a node's addresses came, went, spoke or fell silent. */
  settle(now: number, peer: Peer): void {
    const { lead } = peer;
    const all = new Set(lead.ways.length > 0 ? lead.ways : [peer]);
    for (const twin of this.#twinsOf(peer)) for (const way of [twin, ...twin.lead.ways]) all.add(way);
    if (all.size === 1) return this.#decide(now, peer);
    for (const bound of [true, false]) {
      const ways = [...all].filter((way) => way.bound === bound);
      if (ways.length > 0) this.#unite(now, ways);
    }
    for (const way of all) this.#decide(now, way);
  }

  /** Probes by the present way to this node are not answered; nothing else has come by it since. */
  suspect(now: number, lead: Peer, since: number): void {
    const { way } = lead;
    if (lead.ways.length === 0 || way.heardAt >= since || way.doubted) return;
    way.doubtAt = now;
    this.#outbox.oweHello(way, true);
    this.#context.alarms.setEarlier(way, now + CONFIRM_MS);
    this.choose(now, lead);
  }

  /** Data came by this address: if nothing comes by the way that we use, the node uses this one for a reason. */
  follow(now: number, peer: Peer): void {
    if (peer !== peer.lead.way) this.suspect(now, peer.lead, now - FOLLOW_MS);
  }

  /** Which way is used: one that is heard, the same at both ends where all are; else the one that was heard last. */
  choose(now: number, lead: Peer): void {
    let best: Peer | undefined;
    for (const way of lead.ways) {
      if (!way.known || way.state === GONE || this.#context.locals[way.local] === undefined) continue;
      if (best === undefined || this.#isBetter(way, best)) best = way;
    }
    best ??= lead;
    if (best === lead.way) return;
    lead.way = best;
    this.#context.upper.onWay(now, lead);
  }

  #isBetter(way: Peer, other: Peer): boolean {
    const good = way.state === ALIVE && !way.doubted;
    if (good !== (other.state === ALIVE && !other.doubted)) return good;
    return good ? this.#pair(way) < this.#pair(other) : way.heardAt > other.heardAt;
  }

  /** This peer is forgotten, or begins a new life: it is no way to its node any more. */
  part(now: number, peer: Peer): void {
    const { lead } = peer;
    const ways = lead.ways.filter((way) => way !== peer);
    this.#confirming.delete(peer);
    this.#dropNumber(peer);
    peer.twinIds = [];
    peer.lead = peer.way = peer;
    const before = lead.reach;
    peer.ways = NO_WAYS;
    if (ways.length > 0) {
      // Without its leader the node is called by the address that was met next.
      if (lead === peer) for (const way of ways) way.lead = way;
      else lead.ways = ways;
      this.#unite(now, ways);
      if (lead !== peer) this.#reached(now, lead, before);
      for (const way of ways) this.#decide(now, way);
    }
    this.#decide(now, peer);
  }

  /**
   * These are one node. Who is a member already leads, so that no name changes; else the one whose text sorts last, so that
   * all call it the same.
   */
  #unite(now: number, ways: Peer[]): void {
    const rank = (way: Peer): number => (way.shadowed ? Infinity : way.metAt);
    const lead = ways.reduce((a, b) => (rank(b) < rank(a) || (rank(b) === rank(a) && b.id > a.id) ? b : a));
    const before = lead.reach;
    for (const way of ways) {
      if (way.lead === lead) continue;
      way.lead = lead;
      way.ways = NO_WAYS;
      way.way = way;
      // It may have told of its groups by the other way only.
      if (way.subsHeld === lead.subsHeld) continue;
      way.subsHeld = 0;
      way.subsReqDue = true;
      this.#outbox.touch(way);
    }
    lead.ways = ways.length > 1 ? ways : NO_WAYS;
    this.#reached(now, lead, before);
    this.choose(now, lead);
  }

  #reached(now: number, lead: Peer, before: PeerStateNumber): void {
    if (lead.reach !== before) this.#context.upper.onReach(now, lead, before);
  }

  /** Whether this peer is a member by itself. */
  #decide(now: number, peer: Peer): void {
    const { upper } = this.#context;
    const yields = peer.lead !== peer
      || (!peer.bound && this.#twinsOf(peer).some((twin) => twin.bound && twin.lead.reach !== GONE));
    const shadowed = yields || (this.#confirming.get(peer) ?? -1) >= 0;
    if (peer.lead.ways.length > 0) this.choose(now, peer.lead);
    if (peer.shadowed !== shadowed) {
      peer.shadowed = shadowed;
      upper.onShadow(now, peer);
    }
    // Who is only kept waiting goes on where he was.
    if (yields) upper.onYield(peer);
  }

  #twinsOf(peer: Peer): Peer[] {
    const twins: Peer[] = [];
    for (const id of peer.twinIds) {
      const other = this.#context.peers.find(id);
      if (other !== undefined && other.identity === peer.identity && other.twinIds.includes(peer.id)
        && other.epoch === peer.epoch) twins.push(other);
    }
    return twins;
  }

  /** Both ends of a way, in one order: the same text at either end. */
  #pair(peer: Peer): string {
    const own = this.#context.locals[peer.local]?.id ?? '';
    return own < peer.id ? `${own} ${peer.id}` : `${peer.id} ${own}`;
  }
}
