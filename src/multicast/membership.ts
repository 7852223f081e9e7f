/** What becomes of members and streams when peers join, leave, fall silent, come back, restart or are forgotten. */
import {
  ALIVE, GONE, type Peer, PEER_STATE_NAMES, type PeerStateNumber, STALE, type Subscription,
} from '../broadcast/peer.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { GapReason, MemberState } from './node-output.ts';
import { Session } from './session.ts';

export class Membership {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  session(peer: Peer): Session {
    return (peer.session ??= new Session(this.#context, peer)) as Session;
  }

  #tell(group: Group, peer: Peer, state: MemberState, epoch = peer.epoch): void {
    if (!group.left) this.#context.output.member(group, peer.id, state, epoch);
  }

  // ---- joins and leaves, as the peers say them

  onSubscriptions(peer: Peer, joined: Subscription[], left: Subscription[]): void {
    const { groups } = this.#context;
    for (const { high, low } of left) {
      const group = groups.findServed(high, low);
      if (group === undefined || !group.peers.has(peer.id)) continue;
      group.removeMember(peer);
      this.#tell(group, peer, 'left');
    }
    for (const { high, low, start } of joined) {
      const group = groups.find(high, low);
      if (group !== undefined) this.#joined(group, peer, start);
    }
  }

  #joined(group: Group, peer: Peer, start: number): void {
    this.session(peer);
    if (peer.shadowed || group.peers.has(peer.id)) return;
    group.addMember(peer, start);
    if (peer.reach !== GONE) this.#tell(group, peer, 'joined');
  }

  /** We joined: those who are in it already are members from now on, also who is gone for now: its list may stay as it is. */
  welcome(group: Group): void {
    for (const peer of this.#context.broadcast.peers.all()) {
      const theirs = peer.known ? peer.subscriptions.get(group.key) : undefined;
      if (theirs === undefined || theirs.high !== group.idHigh) continue;
      // Who was not served out when we left is a member still; to the application it is a new one.
      if (!group.peers.has(peer.id)) this.#joined(group, peer, theirs.start);
      else if (peer.reach !== GONE) this.#tell(group, peer, 'joined');
    }
  }

  /** We left: what others sent us is of no interest any more. */
  dropStreams(group: Group): void {
    this.#context.gossip.forgetGroup(group);
    for (const peer of this.#context.broadcast.peers.all()) {
      const session = peer.session as Session | undefined;
      if (session === undefined) continue;
      for (const streams of [session.streams, session.addressed]) {
        streams.get(group.key)?.close();
        streams.delete(group.key);
      }
    }
  }

  /** Another address of the same node stands for it instead of this one, or no longer. */
  onShadow(now: number, peer: Peer, bound?: Peer): void {
    const { groups } = this.#context;
    if (!peer.shadowed && bound !== undefined) this.#takeOver(now, this.session(bound), this.session(peer));
    for (const { high, low, start } of peer.subscriptions.values()) {
      const group = peer.shadowed ? groups.findServed(high, low) : groups.find(high, low);
      if (group === undefined) continue;
      if (!peer.shadowed) {
        this.#joined(group, peer, start);
      } else if (group.peers.has(peer.id)) {
        group.handOver(peer, peer.lead);
        group.removeMember(peer);
        this.#tell(group, peer, 'left');
      }
    }
  }

  onYield(now: number, peer: Peer): void {
    const session = peer.session as Session | undefined;
    if (session === undefined || (session.streams.size === 0 && session.addressed.size === 0)) return;
    const lead = this.session(peer.lead);
    if (lead !== session) this.#takeOver(now, session, lead);
    this.#dropAll(session);
  }

  /** To its source, what one of the two has is what both have. */
  #takeOver(now: number, from: Session, to: Session): void {
    for (const streams of [from.streams, from.addressed]) {
      for (const stream of streams.values()) to.receiveStream(stream.group, stream.addressed).takeOver(now, stream);
    }
  }

  // ---- peers come and go

  onPeerState(peer: Peer): void {
    this.#context.output.peer(peer.id, PEER_STATE_NAMES[peer.state]);
  }

  /** The state of a node, which may have several ways. */
  onReach(now: number, peer: Peer, before: PeerStateNumber): void {
    const { groups, gossip } = this.#context;
    const state = peer.reach;
    const session = this.session(peer);
    if (state === GONE) this.#abandon(now, session, 'source-gone');
    const word = memberWord(state, before);
    if (word !== undefined) {
      for (const group of groups.all()) if (group.peers.has(peer.id)) this.#tell(group, peer, word);
    }
    if (state !== ALIVE) return session.onAway(now);
    gossip.onBack(peer);
    this.resume(now, peer);
  }

  /** What was on its way to this node may be lost: ask where it is, and go on. */
  resume(now: number, peer: Peer): void {
    const session = this.session(peer);
    this.#context.broadcast.outbox.touch(peer.way);
    session.onHeard(now);
    for (const cursor of session.cursors) if (cursor.hasWork) this.#context.scheduler.wake(cursor);
  }

  #abandon(now: number, session: Session, reason: GapReason): void {
    for (const stream of session.streams.values()) {
      stream.abandon(reason);
      this.#context.gossip.onEnd(now, stream, reason);
    }
    for (const stream of session.addressed.values()) stream.abandon(reason);
  }

  #dropAll(session: Session | undefined): void {
    for (const streams of session === undefined ? [] : [session.streams, session.addressed]) {
      for (const stream of streams.values()) stream.close();
      streams.clear();
    }
  }

  /** An incarnation of a peer is over: nothing of its streams or of our cursors for it lives on. */
  end(now: number, peer: Peer, reason: GapReason, state: MemberState, epoch: number): void {
    const session = this.session(peer);
    this.#abandon(now, session, reason);
    this.#dropAll(session);
    for (const group of this.#context.groups.withLeft()) {
      if (!group.peers.has(peer.id)) continue;
      group.removeMember(peer);
      if (peer.reach !== GONE || state !== 'gone') this.#tell(group, peer, state, epoch);
    }
    peer.session = undefined;
  }
}

function memberWord(state: PeerStateNumber, before: PeerStateNumber): MemberState | undefined {
  if (state === STALE) return 'stale';
  if (state === GONE) return 'gone';
  return before === STALE ? 'back' : before === GONE ? 'joined' : undefined;
}
