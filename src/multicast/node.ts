/**
 * The whole protocol core of one node: broadcast (who is there) and multicast (groups). Pure: bytes and `now` come in,
 * datagrams and events leave through `output`, and `deadline` says when to call onTimeout(). Early and repeated calls
 * do no harm.
 */
import { Alarms } from '../broadcast/alarms.ts';
import { Broadcast } from '../broadcast/broadcast.ts';
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import type { Candidate } from '../broadcast/mesh-source.ts';
import { type Peer, PEER_STATE_NAMES, type PeerStateNumber, type Subscription } from '../broadcast/peer.ts';
import type { UpperLayer } from '../broadcast/upper-layer.ts';
import { endpointId } from '../wire/address.ts';
import { CongestionWindow } from './congestion-window.ts';
import { type Context, newCounters } from './context.ts';
import { FlightPool } from './flight.ts';
import { Gossip } from './gossip.ts';
import { GroupTable } from './group-table.ts';
import type { Group } from './group.ts';
import { Inbound } from './inbound.ts';
import { Membership } from './membership.ts';
import type { NodeOutput } from './node-output.ts';
import { Numbers } from './numbers.ts';
import { type GroupOptions, MULTICAST_DEFAULTS, type MulticastOptions, type NodeOptions } from './options.ts';
import { ReorderBudget } from './reorder-budget.ts';
import { Scheduler } from './scheduler.ts';
import type { Session } from './session.ts';

/** Alarms fired in one call; the rest on the next, so that one call stays short. */
const TURN_ALARMS_MAX = 500;

export interface PeerStatus {
  id: string;
  address: string;
  port: number;
  mesh: string;
  state: 'probing' | 'alive' | 'stale' | 'gone';
  rttMs: number;
  loss: number;
  /** On the clock of `now`; -Infinity: never. */
  heardAt: number;
  epoch: number;
  groupCount: number;
  /** DATA on its way to it or waiting. */
  queuedBytes: number;
  /** The peer by whose address its node is a member, where that is another. */
  wayOf: string;
}

export class MeshNode implements UpperLayer {
  readonly broadcast: Broadcast;
  readonly options: MulticastOptions;
  readonly #alarms = new Alarms();
  readonly #context: Context;
  readonly #membership: Membership;
  readonly #inbound: Inbound;

  constructor(options: NodeOptions, random: () => number, output: NodeOutput) {
    this.options = { ...MULTICAST_DEFAULTS, ...options };
    this.broadcast = new Broadcast(this.options, random, this.#alarms, output, this);
    const context = {
      options: this.options,
      alarms: this.#alarms,
      broadcast: this.broadcast,
      window: new CongestionWindow(),
      flights: new FlightPool(),
      output,
      random,
      counters: newCounters(),
      sendStreams: new Set(),
      reorder: new ReorderBudget(this.options.nodeReorderBytesMax),
      numbers: new Numbers(this.options.firstSeq),
      dgramNext: this.options.firstSeq,
      logBytes: 0,
    } as unknown as Context;
    // These three know the context that holds them.
    this.#context = Object.assign(context, {
      scheduler: new Scheduler(context),
      groups: new GroupTable(context),
      gossip: new Gossip(context),
    });
    this.#membership = new Membership(context);
    this.#inbound = new Inbound(context, this.#membership);
  }

  /** When onTimeout() is next due, ms on the caller's clock; Infinity when idle. */
  get deadline(): number {
    return this.#alarms.next;
  }

  onTimeout(now: number): void {
    this.#alarms.run(now, TURN_ALARMS_MAX);
    this.#context.scheduler.finish(now);
  }

  /** A datagram that arrived at own address number `local`. Never throws. */
  onDatagram(now: number, local: number, address: string, port: number, bytes: Uint8Array): void {
    this.broadcast.receive(now, local, address, port, bytes);
    this.#context.scheduler.finish(now);
  }

  // ---- own addresses and candidates

  /**
   * Starts to use one of our own addresses.
   * @param address canonical text
   * @param accepts whether an address may belong to this mesh; default: any of the same family
   * @returns its number, as passed to output.send and onDatagram
   */
  addLocal(
    now: number, address: string, mesh: string, authenticated: boolean,
    accepts?: (address: string) => boolean, port?: number,
  ): number {
    const v6 = address.includes(':');
    return this.broadcast.addLocal(now, {
      address,
      port: port ?? this.options.port,
      id: endpointId(address, port ?? this.options.port, this.options.port),
      mesh,
      authenticated,
      accepts: accepts ?? ((other) => other.includes(':') === v6),
    });
  }

  removeLocal(now: number, local: number): void {
    this.broadcast.removeLocal(now, local);
    this.#context.scheduler.finish(now);
  }

  onCandidates(now: number, local: number, candidates: readonly Candidate[]): void {
    for (const candidate of candidates) this.broadcast.onCandidate(now, local, candidate);
    this.#context.scheduler.finish(now);
  }

  // ---- groups

  get groups(): Iterable<Group> {
    return this.#context.groups.all();
  }

  /** Joins a group; the same name again gives the same Group. @returns undefined when there are too many. */
  join(now: number, name: string, options: GroupOptions = {}): Group | undefined {
    const joined = this.#context.groups.join(name, options);
    if (joined === undefined) return undefined;
    if (joined.isNew) {
      this.#membership.welcome(joined.group);
      this.broadcast.announceSubscriptions();
      this.#context.scheduler.finish(now);
    }
    return joined.group;
  }

  /** Leaves a group. What was published before still reaches the members. */
  leave(now: number, group: Group): void {
    if (group.left) return;
    this.#context.groups.leave(group);
    this.#membership.dropStreams(group);
    this.broadcast.announceSubscriptions();
    this.#context.scheduler.finish(now);
  }

  /** True when nothing that we published is still on its way to a member that can be reached. */
  get drained(): boolean {
    return this.#context.groups.drained;
  }

  /** Says goodbye to all peers. */
  shutdown(now: number): void {
    this.broadcast.shutdown(now);
  }

  // ---- UpperLayer

  onFrame(now: number, peer: Peer, type: number, flags: number, at: number, length: number): boolean {
    return this.#inbound.onFrame(now, peer, type, flags, at, length);
  }

  onSubscriptions(_now: number, peer: Peer, joined: Subscription[], left: Subscription[]): void {
    this.#membership.onSubscriptions(peer, joined, left);
  }

  onHeard(now: number, peer: Peer): void {
    (peer.session as Session | undefined)?.onHeard(now);
  }

  onPeerState(peer: Peer): void {
    this.#membership.onPeerState(peer);
  }

  onReach(now: number, lead: Peer, before: PeerStateNumber): void {
    this.#membership.onReach(now, lead, before);
  }

  onWay(now: number, lead: Peer): void {
    this.#membership.resume(now, lead);
  }

  onRestart(now: number, peer: Peer, epoch: number): void {
    this.#membership.end(now, peer, 'restart', 'restarted', epoch);
  }

  onShadow(now: number, peer: Peer, bound?: Peer): void {
    this.#membership.onShadow(now, peer, bound);
  }

  onYield(now: number, peer: Peer): void {
    this.#membership.onYield(now, peer);
  }

  onForget(now: number, peer: Peer): void {
    this.#membership.end(now, peer, 'source-gone', 'gone', peer.epoch);
  }

  writeFrames(now: number, peer: Peer, writer: DatagramWriter): boolean {
    return (peer.session as Session | undefined)?.writeFrames(now, writer) ?? false;
  }

  writeStreams(peer: Peer, view: DataView, at: number, max: number): number {
    let count = 0;
    for (const cursor of (peer.session as Session | undefined)?.cursors ?? []) {
      if (count >= max || cursor.stream.addressed || cursor.next === cursor.start) continue;
      const { idHigh, idLow } = cursor.stream.group;
      view.setUint32(at, idHigh);
      view.setUint32(at + 4, idLow);
      view.setUint32(at + 8, (cursor.next - 1) >>> 0);
      at += 12;
      count++;
    }
    return count;
  }

  onHelloStream(now: number, peer: Peer, high: number, low: number, seq: number): void {
    this.#inbound.onStreamHigh(now, peer.lead, high, low, seq);
  }

  writeDigests(peer: Peer, writer: DatagramWriter): void {
    this.#context.gossip.write(peer, this.#context.groups.all(), writer);
  }

  // ---- told

  memberOf(id: string): string {
    return this.broadcast.peers.leadId(id);
  }

  peers(): PeerStatus[] {
    return [...this.broadcast.peers.all()].map((peer) => ({
      id: peer.id,
      address: peer.address,
      port: peer.port,
      mesh: this.broadcast.locals[peer.local]?.mesh ?? '',
      state: PEER_STATE_NAMES[peer.state],
      rttMs: peer.ownRoundTrip.sampleCount > 0 ? peer.ownRoundTrip.srttMs : 0,
      loss: peer.sentCount === 0 ? 0 : Math.min(1, peer.lostCount / peer.sentCount),
      heardAt: peer.heardAt,
      epoch: peer.epoch,
      groupCount: peer.subscriptions.size,
      queuedBytes: (peer.session as Session | undefined)?.queuedBytes ?? 0,
      wayOf: peer.lead === peer ? '' : peer.lead.id,
    }));
  }

  /** Flat; all but the last row of names only rise. */
  get counters(): Record<string, number> {
    const { window, flights, logBytes, reorder, counters } = this.#context;
    const { writer, peers } = this.broadcast;
    return {
      ...this.broadcast.counters,
      ...counters,
      datagramsOut: writer.sentCount,
      bytesOut: writer.sentBytes,
      windowReductions: window.reductionCount,
      windowBytes: window.bytes,
      inFlightBytes: window.inFlight,
      queueMs: window.queueMs,
      flights: flights.inUseCount,
      logBytes,
      reorderBytes: reorder.bytes,
      knownNodes: peers.size,
    };
  }
}
