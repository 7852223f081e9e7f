/**
 * What the protocol core asks of its host: the daemon (service/daemon.ts) or the simulator (test/sim/). Implementations
 * send or queue and MUST NOT call back into the core from inside these calls.
 */
import type { Group } from './group.ts';

/** Why messages will never come; the names are the client library's. */
export type GapReason = 'evicted' | 'source-gone' | 'restart' | 'overflow' | 'late';
export type MemberState = 'joined' | 'left' | 'stale' | 'back' | 'gone' | 'restarted';
export type PeerState = 'probing' | 'alive' | 'stale' | 'gone';

export interface NodeOutput {
  /** Send a datagram from own address number `local`. `bytes` is reused after the call: send or copy. */
  send(local: number, address: string, port: number, bytes: Uint8Array): void;
  /** A peer changed state. `id` is its identity (wire/address.ts). */
  peer(id: string, state: PeerState): void;
  /** A message for the application, in the order of its class. `data` is the receiver's to keep. */
  message(group: Group, source: string, epoch: number, seq: number, data: Uint8Array, addressed: boolean): void;
  /** `data` is the receiver's to keep. */
  datagram(group: Group, source: string, data: Uint8Array): void;
  /** Messages from … to (inclusive) of this stream will never be delivered. */
  gap(
    group: Group, source: string, epoch: number, from: number, to: number, reason: GapReason, addressed: boolean,
  ): void;
  member(group: Group, id: string, state: MemberState, epoch: number): void;
  /** The group's log has room again after a publish was refused for want of it. */
  room(group: Group): void;
}
