/** What layer 2 gives to layer 1: it takes frames and news of peers, and adds its own frames to our datagrams. */
import type { DatagramWriter } from './datagram-writer.ts';
import type { Peer, PeerStateNumber } from './peer.ts';
import type { SubscriptionListener } from './subscriptions.ts';

export interface UpperLayer extends SubscriptionListener {
  /** A frame from a peer whose epoch is accepted. @returns false when malformed. */
  onFrame(now: number, peer: Peer, type: number, flags: number, at: number, length: number): boolean;
  /** An accepted datagram of a peer whose session is waiting for word from it. */
  onHeard(now: number, peer: Peer): void;
  onPeerState(peer: Peer): void;
  /** `lead.reach`, the state of its node, has changed. */
  onReach(now: number, lead: Peer, before: PeerStateNumber): void;
  /** `lead.way` has changed: what is on its way by the old one may be lost. */
  onWay(now: number, lead: Peer): void;
  /** The peer's old incarnation is over; its state must go. Called before the new epoch is set. */
  onRestart(now: number, peer: Peer, epoch: number): void;
  /**
   * `peer.shadowed` has changed: another address of its node is used instead of this one, or no longer. `bound`: the one
   * that is bound to a key, where this is not.
   */
  onShadow(now: number, peer: Peer, bound?: Peer): void;
  /** Another stands for its node, not for now only. May be said again. */
  onYield(now: number, peer: Peer): void;
  /** Forgotten altogether. */
  onForget(now: number, peer: Peer): void;
  /** Appends frames owed to this peer. @returns true when some are still owed. */
  writeFrames(now: number, peer: Peer, writer: DatagramWriter): boolean;
  /** Appends up to `max` (group id, highest seq) pairs for HELLO at `at`. @returns how many. */
  writeStreams(peer: Peer, view: DataView, at: number, max: number): number;
  onHelloStream(now: number, peer: Peer, high: number, low: number, seq: number): void;
  /** Appends what rides on a keepalive. */
  writeDigests(peer: Peer, writer: DatagramWriter): void;
}
