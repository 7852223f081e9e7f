/**
 * The whole protocol core of one node: broadcast (who is there) and multicast (groups). Pure: bytes and `now` come in, datagrams
 * and events leave through `output`, and `deadline` says when to call onTimeout(). Early and repeated calls do no harm.
 */
import { Alarms, type Alarm } from '../broadcast/alarms.ts';
import { Broadcast, type UpperLayer } from '../broadcast/broadcast.ts';
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import type { Candidate } from '../broadcast/mesh-source.ts';
import { ALIVE, GONE, type Peer, PEER_STATE_NAMES, type PeerStateNumber, STALE, type Subscription } from '../broadcast/peer.ts';
import { endpointId, formatAddress } from '../wire/address.ts';
import { Data, DATA_PRIVATE, DATA_START, decodeData } from '../wire/data.ts';
import { decodeDgram, Dgram } from '../wire/dgram.ts';
import { FRAME_DATA, FRAME_DGRAM, FRAME_GAP, FRAME_POLL, FRAME_REQUEST, FRAME_SESSION, FRAME_STATUS } from '../wire/frame.ts';
import { groupIdOf, groupKey } from '../wire/group-id.ts';
import { decodePoll, GAP_LENGTH, Poll } from '../wire/poll.ts';
import { decodeStatus, Status, STATUS_NEED_START, STATUS_PRIVATE } from '../wire/status.ts';
import { serialDiff } from '../wire/serial.ts';
import { decodeRequest, Request, SESSION_LENGTH } from '../wire/srm.ts';
import { CongestionWindow } from './congestion-window.ts';
import type { Context, Counters } from './context.ts';
import { FlightPool } from './flight.ts';
import { Group } from './group.ts';
import type { MemberState, NodeOutput } from './node-output.ts';
import { GROUP_DEFAULTS, MULTICAST_DEFAULTS, type GroupOptions, type MulticastOptions, type NodeOptions } from './options.ts';
import { ReceiveStream } from './receive-stream.ts';
import { Scheduler } from './scheduler.ts';
import { Session } from './session.ts';

/** Alarms fired in one call; the rest on the next, so that one call stays short. */
const TURN_ALARMS_MAX = 500;
/** A group that was left still sends for so long what its members lack. */
const LINGER_MS_MAX = 30_000;
const LINGER_CHECK_MS = 200;
/** Names of left groups whose numbering must go on if they are joined again. */
const LEFT_GROUPS_MAX = 4096;

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
}

export class MeshNode implements UpperLayer {
  readonly broadcast: Broadcast;
  readonly options: MulticastOptions;
  readonly #alarms = new Alarms();
  readonly #output: NodeOutput;
  readonly #context: Context;
  readonly #groups = new Map<number, Group>();
  readonly #leaving = new Map<number, Group>();
  readonly #nextSeq = new Map<number, number>();
  readonly #data = new Data();
  readonly #dgram = new Dgram();
  readonly #status = new Status();
  readonly #poll = new Poll();
  readonly #request = new Request();

  constructor(options: NodeOptions, random: () => number, output: NodeOutput) {
    this.options = { ...MULTICAST_DEFAULTS, ...options };
    this.#output = output;
    this.broadcast = new Broadcast(this.options, random, this.#alarms, output, this);
    const context: Omit<Context, 'scheduler'> = {
      options: this.options,
      alarms: this.#alarms,
      broadcast: this.broadcast,
      window: new CongestionWindow(),
      flights: new FlightPool(),
      output,
      random,
      counters: newCounters(),
      sendStreams: new Set(),
      logBytes: 0,
      reorderBytes: 0,
    };
    this.#context = Object.assign(context, { scheduler: undefined as unknown as Scheduler });
    Object.assign(this.#context, { scheduler: new Scheduler(this.#context) });
  }

  /** When onTimeout() is next due, ms on the caller's clock; Infinity when idle. */
  get deadline(): number {
    return this.#alarms.next;
  }

  onTimeout(now: number): void {
    this.#alarms.run(now, TURN_ALARMS_MAX);
    this.#finish(now);
  }

  /** A datagram that arrived at own address number `local`. Never throws. */
  onDatagram(now: number, local: number, address: string, port: number, bytes: Uint8Array): void {
    this.broadcast.receive(now, local, address, port, bytes);
    this.#finish(now);
  }

  #finish(now: number): void {
    this.#context.scheduler.finish(now);
  }

  // ---- own addresses and candidates

  /**
   * Starts to use one of our own addresses.
   * @param address canonical text
   * @param accepts whether an address may belong to this mesh; default: any of the same family
   * @returns its number, as passed to output.send and onDatagram
   */
  addLocal(now: number, address: string, mesh: string, authenticated: boolean, accepts?: (address: string) => boolean, port?: number): number {
    const v6 = address.includes(':');
    const id = endpointId(address, port ?? this.options.port, this.options.port);
    return this.broadcast.addLocal(now, {
      address, id, mesh, authenticated, accepts: accepts ?? ((other) => other.includes(':') === v6),
    });
  }

  removeLocal(now: number, local: number): void {
    this.broadcast.removeLocal(now, local);
    this.#finish(now);
  }

  onCandidates(now: number, local: number, candidates: readonly Candidate[]): void {
    for (const candidate of candidates) this.broadcast.onCandidate(now, local, candidate);
    this.#finish(now);
  }

  // ---- groups

  get groups(): Iterable<Group> {
    return this.#groups.values();
  }

  /** Joins a group; the same name again gives the same Group. @returns undefined when there are too many. */
  join(now: number, name: string, options: GroupOptions = {}): Group | undefined {
    const id = groupIdOf(name, this.options.sha256);
    const key = groupKey(id.high, id.low);
    const present = this.#groups.get(key);
    if (present !== undefined) return present;
    const lingering = this.#leaving.get(key);
    if (lingering !== undefined) this.#close(lingering);
    const group = new Group(this.#context, name, id, { ...GROUP_DEFAULTS, ...options }, this.#nextSeq.get(key) ?? 1);
    if (!this.broadcast.subscriptions.add({ high: id.high, low: id.low, flags: 0, start: group.startByte })) {
      group.close();
      return undefined;
    }
    this.#groups.set(key, group);
    for (const peer of this.broadcast.peers.all()) {
      const theirs = peer.known && peer.state !== GONE ? peer.subscriptions.get(key) : undefined;
      if (theirs !== undefined && theirs.high === id.high) this.#memberJoined(group, peer, 0);
    }
    this.broadcast.announceSubscriptions();
    this.#finish(now);
    return group;
  }

  /** Leaves a group. What was published before still reaches the members, for 30 s at most. */
  leave(now: number, group: Group): void {
    if (group.left) return;
    group.left = true;
    this.#groups.delete(group.key);
    this.#leaving.set(group.key, group);
    this.broadcast.subscriptions.remove(group.key);
    this.broadcast.announceSubscriptions();
    for (const peer of this.broadcast.peers.all()) this.#dropStreams(peer, group.key);
    const until = now + LINGER_MS_MAX;
    const alarm: Alarm = {
      alarmAt: Infinity, alarmIndex: -1, alarmOrder: 0,
      onAlarm: (at) => {
        if (this.#leaving.get(group.key) !== group) return;
        if (at >= until || group.drained) this.#close(group);
        else this.#alarms.set(alarm, at + LINGER_CHECK_MS);
      },
    };
    this.#alarms.set(alarm, now + 1);
    this.#finish(now);
  }

  #close(group: Group): void {
    this.#leaving.delete(group.key);
    this.#nextSeq.delete(group.key);
    this.#nextSeq.set(group.key, group.stream.log.next);
    if (this.#nextSeq.size > LEFT_GROUPS_MAX) this.#nextSeq.delete(this.#nextSeq.keys().next().value!);
    group.close();
  }

  /** True when nothing that we published is still on its way to a member that can be reached. */
  get drained(): boolean {
    for (const group of this.#groups.values()) if (!group.drained) return false;
    for (const group of this.#leaving.values()) if (!group.drained) return false;
    return true;
  }

  shutdown(now: number): void {
    this.broadcast.shutdown(now);
  }

  #find(high: number, low: number): Group | undefined {
    const group = this.#groups.get(groupKey(high, low));
    return group !== undefined && group.idHigh === high ? group : undefined;
  }

  // ---- UpperLayer: frames

  #session(peer: Peer): Session {
    return (peer.session ??= new Session(this.#context, peer)) as Session;
  }

  onFrame(now: number, peer: Peer, type: number, flags: number, at: number, length: number): boolean {
    if (type === FRAME_DATA) return this.#onData(now, peer, flags, at, length);
    if (type === FRAME_STATUS) return this.#onStatus(now, peer, flags, at, length);
    if (type === FRAME_DGRAM) return this.#onDgram(peer, flags, at, length);
    if (type === FRAME_POLL) return this.#onPoll(now, peer, flags, at, length);
    if (type === FRAME_REQUEST) return this.#onRequest(now, peer, at, length);
    if (type === FRAME_SESSION) return this.#onSession(now, peer, at, length);
    if (type === FRAME_GAP) return this.#onGap(now, peer, flags, at, length);
    return true;
  }

  #receiveStream(peer: Peer, group: Group, addressed: boolean): ReceiveStream {
    const session = this.#session(peer);
    const streams = addressed ? session.addressed : session.streams;
    let stream = streams.get(group.key);
    if (stream === undefined) {
      stream = new ReceiveStream(this.#context, group, peer, addressed);
      streams.set(group.key, stream);
    }
    return stream;
  }

  #onData(now: number, peer: Peer, flags: number, at: number, length: number): boolean {
    const data = this.#data;
    if (!decodeData(this.broadcast.view, at, length, flags, data)) return false;
    const group = this.#find(data.groupHigh, data.groupLow);
    if (group === undefined) this.#context.counters.notJoinedIn++;
    else this.#receiveStream(peer, group, (flags & DATA_PRIVATE) !== 0).onData(now, data, this.broadcast.bytes);
    return true;
  }

  #onStatus(now: number, peer: Peer, flags: number, at: number, length: number): boolean {
    const status = this.#status;
    if (!decodeStatus(this.broadcast.view, at, length, flags, status)) return false;
    const key = groupKey(status.groupHigh, status.groupLow);
    const group = this.#groups.get(key) ?? this.#leaving.get(key);
    if (status.epochLow !== (this.options.epoch & 0xffff) || (group && group.idHigh !== status.groupHigh)) return true;
    const stream = flags & DATA_PRIVATE ? group?.addressed.get(peer) : group?.stream;
    const cursor = stream?.cursors.get(peer);
    if (cursor === undefined) {
      this.#refuse(peer, group, status);
      return true;
    }
    if (cursor.onStatus(now, status, this.broadcast.view)) return true;
    this.#context.counters.badAcksIn++;
    return true;
  }

  /** Asked for packets of a stream that we do not serve this peer (any more): say so, or find out what it is in. */
  #refuse(peer: Peer, group: Group | undefined, status: Status): void {
    if (serialDiff(status.nackHigh, status.cumulative) <= 0 && (status.flags & STATUS_NEED_START) === 0) return;
    if (group !== undefined && !group.left && (status.flags & STATUS_PRIVATE) === 0) {
      peer.subsReqDue = true;
      this.broadcast.touch(peer);
      return;
    }
    const body = new Uint8Array(GAP_LENGTH);
    const view = new DataView(body.buffer);
    view.setUint32(0, status.groupHigh);
    view.setUint32(4, status.groupLow);
    view.setUint32(8, (status.high + 1) >>> 0);
    this.#session(peer).oweFrame(FRAME_GAP, status.flags & DATA_PRIVATE, body);
  }

  #onDgram(peer: Peer, flags: number, at: number, length: number): boolean {
    const dgram = this.#dgram;
    if (!decodeDgram(this.broadcast.view, at, length, flags, dgram)) return false;
    const group = this.#find(dgram.groupHigh, dgram.groupLow);
    if (group === undefined) {
      this.#context.counters.notJoinedIn++;
      return true;
    }
    if (!this.#session(peer).dedup.isNew(group.key, dgram.seq)) return true;
    const data = this.broadcast.bytes.slice(dgram.payloadAt, dgram.payloadAt + dgram.payloadLength);
    this.#context.counters.datagramsDelivered++;
    this.#output.datagram(group, peer.id, data);
    return true;
  }

  #onPoll(now: number, peer: Peer, flags: number, at: number, length: number): boolean {
    const poll = this.#poll;
    if (!decodePoll(this.broadcast.view, at, length, flags, poll)) return false;
    const group = this.#find(poll.groupHigh, poll.groupLow);
    if (group === undefined) return true;
    const stream = this.#receiveStream(peer, group, (flags & DATA_PRIVATE) !== 0);
    if (flags & DATA_START) stream.onPollStart(poll.start);
    stream.onLow(now, poll.low);
    stream.onHigh(now, poll.high, true);
    return true;
  }

  /** `srm` mode: a member asks the group. Ours to repair, or somebody else's to have heard of. */
  #onRequest(now: number, peer: Peer, at: number, length: number): boolean {
    const request = this.#request;
    const { view, bytes } = this.broadcast;
    if (!decodeRequest(view, at, length, request)) return false;
    const group = this.#find(request.groupHigh, request.groupLow);
    if (group === undefined || !group.srm) return true;
    const id = endpointId(formatAddress(bytes, request.sourceAt), request.port, this.options.port);
    if (this.broadcast.locals.some((local) => local?.id === id)) {
      if (request.epoch === this.options.epoch) group.repairs.onRequest(now, request, view, peer);
      return true;
    }
    const source = group.peers.get(id);
    if (source === undefined || source.epoch !== request.epoch) return true;
    this.#session(source).streams.get(group.key)?.onRequestOverheard(now, request, view, peer);
    return true;
  }

  #onSession(now: number, peer: Peer, at: number, length: number): boolean {
    if (length < SESSION_LENGTH) return false;
    const { view } = this.broadcast;
    this.onHelloStream(now, peer, view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8));
    return true;
  }

  #onGap(now: number, peer: Peer, flags: number, at: number, length: number): boolean {
    if (length < GAP_LENGTH) return false;
    const { view } = this.broadcast;
    const group = this.#find(view.getUint32(at), view.getUint32(at + 4));
    if (group === undefined) return true;
    const streams = flags & DATA_PRIVATE ? this.#session(peer).addressed : this.#session(peer).streams;
    // Refused because the source has left is another matter than let go for want of room.
    const reason = group.peers.has(peer.id) ? 'evicted' : 'source-gone';
    streams.get(group.key)?.onLow(now, view.getUint32(at + 8), reason);
    return true;
  }

  // ---- UpperLayer: peers

  onSubscriptions(now: number, peer: Peer, joined: Subscription[], left: Subscription[]): void {
    for (const { high, low } of left) {
      const group = this.#groups.get(groupKey(high, low)) ?? this.#leaving.get(groupKey(high, low));
      if (group === undefined || !group.peers.has(peer.id)) continue;
      group.removeMember(peer);
      this.#tellMember(group, peer, 'left');
    }
    for (const { high, low, start } of joined) {
      const group = this.#find(high, low);
      if (group !== undefined) this.#memberJoined(group, peer, start);
    }
    void now;
  }

  #memberJoined(group: Group, peer: Peer, start: number): void {
    this.#session(peer);
    if (group.peers.has(peer.id)) return;
    group.addMember(peer, start);
    this.#tellMember(group, peer, 'joined');
  }

  #tellMember(group: Group, peer: Peer, state: MemberState): void {
    if (!group.left) this.#output.member(group, peer.id, state, peer.epoch);
  }

  onHeard(now: number, peer: Peer): void {
    (peer.session as Session | undefined)?.onHeard(now);
  }

  onPeerState(now: number, peer: Peer, state: PeerStateNumber, before: PeerStateNumber): void {
    this.#output.peer(peer.id, PEER_STATE_NAMES[state]);
    const session = this.#session(peer);
    const word: MemberState | undefined =
      state === STALE ? 'stale' : state === GONE ? 'gone' : before === STALE ? 'back' : before === GONE ? 'joined' : undefined;
    if (state === GONE) for (const stream of [...session.streams.values(), ...session.addressed.values()]) stream.abandon('source-gone');
    if (word !== undefined) for (const group of this.#groups.values()) if (group.peers.has(peer.id)) this.#tellMember(group, peer, word);
    if (state === ALIVE) {
      session.onHeard(now);
      for (const cursor of session.cursors) if (cursor.hasWork) this.#context.scheduler.ready(cursor);
    }
  }

  onRestart(now: number, peer: Peer): void {
    this.#end(peer, 'restart', 'restarted', this.broadcast.header.epoch);
    void now;
  }

  onForget(now: number, peer: Peer): void {
    this.#end(peer, 'source-gone', 'gone', peer.epoch);
    void now;
  }

  /** An incarnation of a peer is over: nothing of its streams or of our cursors for it lives on. */
  #end(peer: Peer, reason: 'restart' | 'source-gone', state: MemberState, epoch: number): void {
    const session = this.#session(peer);
    for (const stream of [...session.streams.values(), ...session.addressed.values()]) {
      stream.abandon(reason);
      stream.close();
    }
    for (const group of [...this.#groups.values(), ...this.#leaving.values()]) {
      if (!group.peers.has(peer.id)) continue;
      group.removeMember(peer);
      const told = peer.state === GONE && state === 'gone';
      if (!told && !group.left) this.#output.member(group, peer.id, state, epoch);
    }
    peer.session = undefined;
  }

  #dropStreams(peer: Peer, key: number): void {
    const session = peer.session as Session | undefined;
    if (session === undefined) return;
    for (const streams of [session.streams, session.addressed]) {
      streams.get(key)?.close();
      streams.delete(key);
    }
  }

  // ---- UpperLayer: sending

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
    const group = this.#find(high, low);
    const stream = group && this.#session(peer).streams.get(group.key);
    stream?.onHigh(now, seq, false);
  }

  // ---- told

  peers(): PeerStatus[] {
    return [...this.broadcast.peers.all()].map((peer) => ({
      id: peer.id,
      address: peer.address,
      port: peer.port,
      mesh: this.broadcast.locals[peer.local]?.mesh ?? '',
      state: PEER_STATE_NAMES[peer.state],
      rttMs: peer.roundTrip.sampleCount > 0 ? peer.roundTrip.srttMs : 0,
      loss: peer.sentCount === 0 ? 0 : Math.min(1, peer.lostCount / peer.sentCount),
      heardAt: peer.heardAt,
      epoch: peer.epoch,
      groupCount: peer.subscriptions.size,
      queuedBytes: (peer.session as Session | undefined)?.queuedBytes ?? 0,
    }));
  }

  get counters(): Record<string, number> {
    const { window, flights, logBytes, reorderBytes, counters } = this.#context;
    const { writer } = this.broadcast;
    return {
      ...this.broadcast.counters,
      ...counters,
      datagramsOut: writer.sentCount,
      bytesOut: writer.sentBytes,
      windowBytes: window.bytes,
      inFlightBytes: window.inFlight,
      queueMs: window.queueMs,
      windowReductions: window.reductionCount,
      flights: flights.inUseCount,
      logBytes,
      reorderBytes,
      knownNodes: this.broadcast.peers.size,
    };
  }
}

function newCounters(): Counters {
  return {
    messagesSent: 0, messagesDelivered: 0, dataSent: 0, dataBytesSent: 0, repairsSent: 0, probesSent: 0, pollsSent: 0,
    statusSent: 0, requestsSent: 0, requestsIn: 0, holdDowns: 0, dataIn: 0, duplicatesIn: 0, outOfWindowIn: 0, overflowIn: 0,
    notJoinedIn: 0, needStartSent: 0, badAcksIn: 0, gaps: 0, evictions: 0, publishesRefused: 0, datagramsSent: 0,
    datagramsDelivered: 0, lateDropped: 0, falseAlarms: 0,
  };
}
