/**
 * One node on several meshes is several peers, one for each of its addresses. They are one node only after each two of them
 * have confirmed each other: each names the other in SUBS, with the same random number of its daemon, under its own
 * proven epoch (nobody else can speak from them). One of them leads: it is the member, by its address, and has the streams;
 * the others are further ways to it. What comes by any way is the leader's, and what goes to it takes the way
 * that is heard. So a mesh that fails or comes back changes no member and no number.
 *
 * A list of groups never comes without the addresses, so nobody is a member before it is known which others to ask.
 *
 * An address that is bound to no key is never a way to one that is: it is left out while the other can be reached.
 */
import { ADDRESS_LENGTH, endpointId, formatAddress, identityText } from '../wire/address.ts';
import { serialDiff } from '../wire/serial.ts';
import { type Subs, SUBS_ADDRESS_AWAY, SUBS_ADDRESS_LENGTH } from '../wire/subs.ts';
import type { Alarm } from './alarms.ts';
import type { BroadcastContext } from './context.ts';
import { HEARSAY } from './mesh-source.ts';
import type { Outbox } from './outbox.ts';
import { ALIVE, GONE, NO_WAYS, NONE_NAMED, type Peer, type PeerStateNumber } from './peer.ts';

/**
 * Whoever names another address of his is no member before that one has told its newest list too, or has been met at all.
 * It is not waited for so long while it is silent, and not at all times when both are.
 */
const CONFIRM_MS = 400;
const CONFIRM_PATIENCE = 40;
const MEET_PATIENCE = 16;
const SILENT_MS = 2000;
const SILENT_COST = 4;
const CONFIRMING_MAX = 256;
/** While nothing was heard by a way for so long, data that comes by another is a sign to take that one. */
const FOLLOW_MS = 300;

export class Twins implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #context: BroadcastContext;
  readonly #outbox: Outbox;
  /** Peers that are no members yet, and how much longer they wait. */
  readonly #confirming = new Map<Peer, number>();

  constructor(context: BroadcastContext, outbox: Outbox) {
    this.#context = context;
    this.#outbox = outbox;
  }

  /** Asks both for their lists, until it is clear whether they are one. */
  onAlarm(now: number): void {
    const heard = (peer: Peer): boolean => peer.heardAt >= now - SILENT_MS;
    let asks = false;
    for (const [peer, patience] of this.#confirming) {
      if (peer.state !== ALIVE) continue;
      const others = this.#unclear(peer);
      const cost = !heard(peer) ? 0 : others.some(heard) ? 1 : SILENT_COST;
      if (others.length === 0 || patience <= cost) {
        this.#confirming.delete(peer);
        this.#decide(now, peer);
        continue;
      }
      asks = true;
      this.#confirming.set(peer, patience - cost);
      for (const one of [peer, ...others]) if (one.state === ALIVE) this.#outbox.oweHello(one, true);
    }
    if (asks) this.#context.alarms.set(this, now + CONFIRM_MS);
  }

  /** Those whom it names that may still be met, or whose list is older, so that they may still name it. */
  #unclear(peer: Peer): Peer[] {
    const { locals, peers } = this.#context;
    const unclear: Peer[] = [];
    for (const [id, present] of peer.named) {
      const other = peers.find(id);
      if (other === undefined) continue;
      const older = other.identity === peer.identity && serialDiff(other.namedIn, peer.namedIn) < 0;
      const canBeMet = present && locals[other.local] !== undefined;
      if (other.epoch === peer.epoch ? older : canBeMet) unclear.push(other);
    }
    return unclear;
  }

  /** SUBS of this peer: what it says of its further addresses, before its groups are looked at. */
  onAddresses(now: number, peer: Peer, subs: Subs): void {
    const { bytes, locals, options, peers, view } = this.#context;
    if (peer.namedIn !== 0 && serialDiff(subs.version, peer.namedIn) < 0) return;
    const named = new Map<string, boolean>();
    for (let i = 0, entry = subs.addressesAt; i < subs.addressCount; i++, entry += SUBS_ADDRESS_LENGTH) {
      const [address, port] = [formatAddress(bytes, entry), view.getUint16(entry + ADDRESS_LENGTH)];
      const id = endpointId(address, port, options.port);
      const present = (view.getUint8(entry + ADDRESS_LENGTH + 2) & SUBS_ADDRESS_AWAY) === 0;
      named.set(id, present);
      const local = locals.findIndex((own) => own?.accepts(address));
      // Of its present life: it may have started anew.
      if (!present || local < 0 || peers.find(id)?.epoch === peer.epoch) continue;
      this.#context.onCandidate(now, local, { address, port, hops: 0, advertised: true, origin: HEARSAY });
    }
    peer.named = named;
    peer.namedIn = subs.version;
    // An address that is away may still be the one by which we call it.
    for (const way of peer.lead.ways) if (way !== peer && !named.get(way.id)) way.doubtAt = now;
    const others = this.#unclear(peer);
    if (others.length === 0) {
      this.#confirming.delete(peer);
    } else if (peer.subsHeld === 0 && peer.lead.ways.length === 0 && this.#confirming.size < CONFIRMING_MAX) {
      this.#confirming.set(peer, others.some(({ epoch }) => epoch === peer.epoch) ? CONFIRM_PATIENCE : MEET_PATIENCE);
    }
    this.settle(now, peer);
  }

  /** One of a node's addresses came, went, spoke or fell silent. */
  settle(now: number, peer: Peer): void {
    const { lead } = peer;
    const all = new Set(lead.ways.length > 0 ? lead.ways : [peer]);
    for (const twin of this.#twinsOf(peer)) for (const way of [twin, ...twin.lead.ways]) all.add(way);
    if (this.#confirming.has(peer)) this.#context.alarms.setEarlier(this, now);
    if (all.size === 1) return this.#decide(now, peer);
    for (const bound of [true, false]) {
      const ways = [...all].filter((way) => way.bound === bound);
      if (ways.length > 0) this.#unite(now, ways);
    }
    for (const way of all) {
      this.#confirming.delete(way);
      this.#decide(now, way);
    }
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
    peer.named = NONE_NAMED;
    peer.namedIn = 0;
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
    const rank = (way: Peer): number => (way.shadowed || way.subsHeld === 0 ? Infinity : way.metAt);
    const sortsLast = (a: Peer, b: Peer): boolean => rank(b) === rank(a) && identityText(b) > identityText(a);
    const lead = ways.reduce((a, b) => (rank(b) < rank(a) || sortsLast(a, b) ? b : a));
    const before = lead.reach;
    for (const way of ways) {
      if (way.lead === lead) continue;
      way.lead = lead;
      way.ways = NO_WAYS;
      way.way = way;
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
    const bound = peer.bound ? [] : this.#twinsOf(peer).filter((twin) => twin.bound);
    const yields = peer.lead !== peer || bound.some((twin) => twin.lead.reach !== GONE);
    const shadowed = yields || this.#confirming.has(peer);
    if (peer.lead.ways.length > 0) this.choose(now, peer.lead);
    if (peer.shadowed !== shadowed) {
      peer.shadowed = shadowed;
      upper.onShadow(now, peer, bound[0]?.lead);
    }
    // Who is only kept waiting goes on where he was.
    if (yields) upper.onYield(now, peer);
  }

  #twinsOf(peer: Peer): Peer[] {
    const twins: Peer[] = [];
    for (const id of peer.named.keys()) {
      const other = this.#context.peers.find(id);
      if (other !== undefined && other.identity === peer.identity && other.named.has(peer.id)
        && other.epoch === peer.epoch) twins.push(other);
    }
    return twins;
  }

  /** Both ends of a way, in one order: the same text at either end. */
  #pair(peer: Peer): string {
    const local = this.#context.locals[peer.local];
    const own = local === undefined ? '' : identityText(local);
    const other = identityText(peer);
    return own < other ? `${own} ${other}` : `${other} ${own}`;
  }
}
