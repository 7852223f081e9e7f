/**
 * One node that we know of, as layer 1 sees it.
 *
 *              answers our nonce              silent 35 s             silent 90 s, or BYE
 *   PROBING ----------------------> ALIVE <---------------> STALE ----------------------> GONE
 *      ^                              ^      any datagram                                  |
 *      |   candidate again            +----------------------------------------------------+
 *      +--- forgotten when the table is full               any newer datagram under its epoch
 *
 * A new epoch of a peer is believed only once our nonce comes back under it: replays and forged restarts change
 * nothing.
 */
import { type Alarm, newAlarm } from './alarms.ts';
import { HEARSAY, type Origin } from './mesh-source.ts';
import { RoundTrip } from './round-trip.ts';

export const PROBING = 0;
export const ALIVE = 1;
export const STALE = 2;
export const GONE = 3;
export type PeerStateNumber = typeof PROBING | typeof ALIVE | typeof STALE | typeof GONE;
export const PEER_STATE_NAMES = ['probing', 'alive', 'stale', 'gone'] as const;

/** Candidates by who named them, and those who have answered. */
export const ANSWERED = 3;
export type Rank = Origin | typeof ANSWERED;

export interface PeerTimers {
  onPeerAlarm(now: number, peer: Peer): void;
  onSubsAlarm(peer: Peer): void;
}

/** Subscriptions of a peer: group key -> what it said of it. */
export interface Subscription {
  high: number;
  low: number;
  /** Another one: it has left and joined again. */
  life: number;
  start: number;
}

/** Layer 2's side of a peer. `waiting`: it has given up hope for now and wants to know when the peer is heard again. */
export interface PeerSession {
  readonly waiting: boolean;
}

/** The ways of a peer that has but one. */
export const NO_WAYS: readonly Peer[] = [];
export const NONE_NAMED: ReadonlyMap<string, boolean> = new Map();

/** A nonce: random, never 0. */
export function newNonce(random: () => number): number {
  return (Math.floor(random() * 0xffffffff) + 1) >>> 0;
}

export class Peer implements Alarm {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Number of the own address we speak to it from. */
  local: number;
  state: PeerStateNumber = PROBING;
  /** Its accepted epoch, 0: none yet. */
  epoch = 0;
  /** When that epoch was believed. */
  metAt = Infinity;
  /** Random per peer and epoch; its echo proves that the peer hears us now. */
  nonce: number;
  /** The newest nonce it sent, to be echoed; with the timestamp and time of that datagram. */
  echoNonce = 0;
  echoTimestamp = 0;
  echoAt = 0;

  heardAt = -Infinity;
  sentAt = -Infinity;
  /** Unanswered probes in a row, and how many more are owed (several at first, then rarer). */
  probeCount = 0;
  /** Hops as the mesh tells it, 0 unknown: direct neighbours are probed more often, and before others. */
  hops = 0;
  advertised = false;
  rank: Rank = HEARSAY;
  /** The header's timestamp in the newest datagram that we believed. */
  timestamp = 0;
  /** When the next PEERS of it is within its ration. */
  peersAt = -Infinity;
  readonly ownRoundTrip = new RoundTrip();

  /** Subscriptions: the version it is at, the one we hold, and what it has of ours. */
  subsVersion = 0;
  subsHeld = 0;
  subsAcked = 0;
  subsSentCount = 0;
  readonly subscriptions = new Map<number, Subscription>();

  // Frames owed to it, written into its next datagram.
  helloDue = false;
  helloProbe = false;
  subsDue = false;
  subsAckDue = false;
  subsReqDue = false;
  peersDue = false;
  /** In the outbox: frames are owed to it. */
  dirty = false;
  /** Other addresses of its node, and whether it still has them; as its list says in this version, 0: in none yet. */
  named: ReadonlyMap<string, boolean> = NONE_NAMED;
  namedIn = 0;
  /** That node's random number. */
  identity = 0;
  /** The peer by whose address its node is a member: itself, unless that has several ways (twins.ts). */
  lead: Peer = this;
  /** Of a leader: all ways to its node, itself among them, and the one that is used. */
  ways: readonly Peer[] = NO_WAYS;
  way: Peer = this;
  /** Its address is bound to its key. */
  bound = false;
  /** By this way probes were not answered then, or its node has disowned it. */
  doubtAt = -Infinity;
  /** It is no member: another peer stands for its node. */
  shadowed = false;
  /** What layer 2 keeps for it. */
  session: PeerSession | undefined;

  /** DATA sent to it, and how much of it had to be sent again; halved now and then, so that loss is recent. */
  sentCount = 0;
  lostCount = 0;

  /** Pacing: bytes it may still get in this slot, and when the slot ends. */
  paceBytes = 0;
  paceAt = -Infinity;

  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly subsAlarm: Alarm;
  readonly #timers: PeerTimers;

  constructor(id: string, address: string, port: number, local: number, nonce: number, timers: PeerTimers) {
    this.id = id;
    this.address = address;
    this.port = port;
    this.local = local;
    this.nonce = nonce;
    this.#timers = timers;
    this.subsAlarm = newAlarm(() => timers.onSubsAlarm(this));
  }

  /** The state of its node: the best of all ways. */
  get reach(): PeerStateNumber {
    let reach = this.state;
    if (this.ways.length === 0) return reach; // asked for each packet
    for (const { state } of this.ways) if (state < reach) reach = state;
    return reach;
  }
  get doubted(): boolean {
    return this.doubtAt > this.heardAt;
  }
  /** To its node, by the way that is used. */
  get roundTrip(): RoundTrip {
    return this.way.ownRoundTrip;
  }

  /** It is or was there: we believe its epoch and hold its subscriptions. */
  get known(): boolean {
    return this.epoch !== 0 && this.state !== PROBING;
  }

  onAlarm(now: number): void {
    this.#timers.onPeerAlarm(now, this);
  }
}
