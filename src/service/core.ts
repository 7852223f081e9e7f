/**
 * What the service asks of the protocol core (multicast/node.ts, multicast/group.ts), as interfaces: MeshNode and Group fit
 * them, and so do the tests' stand-ins.
 */
import type { Candidate } from '../broadcast/mesh-source.ts';
import type { NodeOutput, PeerState } from '../multicast/node-output.ts';

export type Delivery = 'reliable' | 'timely' | 'datagram';
export type Start = 'now' | 'all' | { last: number };
export type Slow = 'lag' | 'block' | 'evict';
export type Repair = 'direct' | 'srm';

export interface CoreGroupOptions {
  delivery?: Delivery;
  ordered?: boolean;
  start?: Start;
  slow?: Slow;
  playoutMs?: number;
  repair?: Repair;
}

export interface CoreMember {
  id: string;
  epoch: number;
  stale: boolean;
  rttMs: number;
}

export interface CoreGroup {
  readonly name: string;
  readonly options: Required<CoreGroupOptions>;
  /** @returns the sequence number, 0 in a group of datagrams, or a refusal. */
  publish(now: number, data: Uint8Array): number;
  publishTo(now: number, member: string, data: Uint8Array): number;
  datagram(now: number, data: Uint8Array): number;
  datagramTo(now: number, member: string, data: Uint8Array): number;
  members(): CoreMember[];
  readonly room: number;
  /** Flat counters. */
  status(): object;
}

export interface CorePeer {
  id: string;
  address: string;
  port: number;
  mesh: string;
  state: PeerState;
  rttMs: number;
  loss: number;
  /** On the clock of `now`; negative or not finite: never. */
  heardAt: number;
  epoch: number;
  groupCount: number;
  queuedBytes: number;
  /** The peer by whose address its node is a member, where that is another; else ''. */
  wayOf: string;
}

export interface CoreNode {
  readonly deadline: number;
  onTimeout(now: number): void;
  onDatagram(now: number, local: number, address: string, port: number, bytes: Uint8Array): void;
  addLocal(
    now: number, address: string, mesh: string, authenticated: boolean, accepts: (address: string) => boolean, port: number,
  ): number;
  removeLocal(now: number, local: number): void;
  onCandidates(now: number, local: number, candidates: readonly Candidate[]): void;
  /** @returns undefined when there are too many. */
  join(now: number, name: string, options?: CoreGroupOptions): CoreGroup | undefined;
  leave(now: number, group: CoreGroup): void;
  shutdown(now: number): void;
  /** Nothing that we published is still on its way to a member that can be reached. */
  readonly drained: boolean;
  peers(now: number): CorePeer[];
  /** The peer by whose address the node is a member that this is an address of; itself when it is none. */
  memberOf(id: string): string;
  readonly counters: Readonly<Record<string, number>>;
}

/** Makes the core: main.ts passes `(random, output) => new MeshNode(options, random, output)`. */
export type CreateNode = (random: () => number, output: NodeOutput) => CoreNode;
