/** What all parts of layer 1 share. */
import type { Header } from '../wire/header.ts';
import type { Alarms } from './alarms.ts';
import type { DatagramWriter } from './datagram-writer.ts';
import type { Candidate } from './mesh-source.ts';
import type { BroadcastOptions } from './options.ts';
import type { PeerTable } from './peer-table.ts';
import type { Peer } from './peer.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { UpperLayer } from './upper-layer.ts';

/** One of our own addresses. */
export interface Local {
  address: string;
  port: number;
  id: string;
  mesh: string;
  authenticated: boolean;
  /** Whether an address may belong to this mesh. */
  accepts(address: string): boolean;
}

export interface BroadcastCounters {
  datagramsIn: number;
  bytesIn: number;
  malformedIn: number;
  strangersIn: number;
  staleEpochIn: number;
  challengesRefused: number;
  probesSent: number;
  probesToSilent: number;
  peersRefused: number;
  exchangesRefused: number;
  peersForgotten: number;
  restarts: number;
}

export interface BroadcastContext {
  readonly options: BroadcastOptions;
  readonly random: () => number;
  readonly alarms: Alarms;
  readonly upper: UpperLayer;
  readonly writer: DatagramWriter;
  readonly peers: PeerTable;
  readonly subscriptions: Subscriptions;
  /** By number; undefined: not ours any more. */
  readonly locals: (Local | undefined)[];
  /** Addresses bound to keys that were ours, newest first. */
  readonly former: readonly Local[];
  readonly counters: BroadcastCounters;
  /** The datagram being read; layer 2 reads its frames from here. */
  readonly header: Header;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** By which way it came. */
  readonly from: Peer | undefined;
  /** Random per run, the same on all our addresses: tells our own voice. */
  readonly identity: number;
  /** A node that may be met at this address, from that number of our own. */
  onCandidate(now: number, local: number, candidate: Candidate): void;
}

export function newCounters(): BroadcastCounters {
  return {
    datagramsIn: 0, bytesIn: 0, malformedIn: 0, strangersIn: 0, staleEpochIn: 0, challengesRefused: 0, probesSent: 0,
    probesToSilent: 0, peersRefused: 0, exchangesRefused: 0, peersForgotten: 0, restarts: 0,
  };
}
