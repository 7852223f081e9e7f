/**
 * Layer 1: who is there. Candidates are probed, those who answer are peers, peers that fall silent go stale and then gone;
 * every peer learns our subscriptions. Pure: time and randomness come in, datagrams leave through `output`. The layer above
 * adds its frames to the datagrams built here.
 */
import { endpointId } from '../wire/address.ts';
import * as frame from '../wire/frame.ts';
import { decodeHeader, Header, HEADER_LENGTH } from '../wire/header.ts';
import { decodeHello, encodeHello, Hello, HELLO_BYE, HELLO_LENGTH, HELLO_PROBE, HELLO_STREAM_LENGTH } from '../wire/hello.ts';
import type { Alarm, Alarms } from './alarms.ts';
import { DatagramWriter, type DatagramOutput } from './datagram-writer.ts';
import type { Candidate } from './mesh-source.ts';
import type { BroadcastOptions } from './options.ts';
import { acceptPeers, writePeers } from './peer-exchange.ts';
import { PeerTable } from './peer-table.ts';
import { ALIVE, GONE, Peer, PROBING, STALE, type PeerStateNumber, type PeerTimers } from './peer.ts';
import { Prober, probeWaitMs } from './prober.ts';
import { Subscriptions, type SubscriptionListener } from './subscriptions.ts';

/** Datagrams built in one call into the node; the rest leave a millisecond later. */
const TURN_DATAGRAMS_MAX = 100;
/** HELLOs to unverified strangers who spoke first, per second: a flood of them costs no more than this. */
const CHALLENGES_PER_SECOND = 200;
/** Unanswered HELLOs to a peer that has gone silent: every so many ms while stale. */
const STALE_PROBE_MS = 5000;
/** Word that a gone peer is alive is worth a probe, once in so long. */
const GONE_HINT_MS = 1000;
/** A random peer gets our list of peers this often. */
const EXCHANGE_MS = 60_000;
const HELLO_STREAMS_MAX = 40;

/** What layer 2 gives to layer 1. */
export interface UpperLayer extends SubscriptionListener {
  /** A frame from a peer whose epoch is accepted. @returns false when malformed. */
  onFrame(now: number, peer: Peer, type: number, flags: number, at: number, length: number): boolean;
  /** An accepted datagram of a peer whose session is waiting for word from it. */
  onHeard(now: number, peer: Peer): void;
  onPeerState(now: number, peer: Peer, state: PeerStateNumber, before: PeerStateNumber): void;
  /** The peer's old incarnation is over; its state must go. Called before the new epoch is set. */
  onRestart(now: number, peer: Peer, epoch: number): void;
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

export interface Local {
  address: string;
  id: string;
  mesh: string;
  authenticated: boolean;
  /** Whether an address may belong to this mesh. */
  accepts(address: string): boolean;
}

export class Broadcast implements PeerTimers {
  readonly options: BroadcastOptions;
  readonly alarms: Alarms;
  readonly writer: DatagramWriter;
  readonly peers: PeerTable;
  readonly subscriptions = new Subscriptions();
  readonly locals: (Local | undefined)[] = [];
  readonly counters = {
    datagramsIn: 0, bytesIn: 0, malformedIn: 0, strangersIn: 0, staleEpochIn: 0, challengesRefused: 0, probesSent: 0,
    probesToSilent: 0, peersRefused: 0, peersForgotten: 0, restarts: 0,
  };
  /** The datagram being read; layer 2 reads its frames from here. */
  view: DataView = new DataView(new ArrayBuffer(0));
  bytes: Uint8Array = new Uint8Array(0);
  readonly header = new Header();
  readonly identity: number;
  /** Peers that have answered. */
  knownCount = 0;

  readonly #random: () => number;
  readonly #upper: UpperLayer;
  readonly #hello = new Hello();
  readonly #prober: Prober;
  #dirty: Peer[] = [];
  readonly #flushAlarm: Alarm;
  readonly #exchangeAlarm: Alarm;
  #challengeTokens = CHALLENGES_PER_SECOND;
  #challengeAt = 0;

  constructor(options: BroadcastOptions, random: () => number, alarms: Alarms, output: DatagramOutput, upper: UpperLayer) {
    this.options = options;
    this.#random = random;
    this.alarms = alarms;
    this.#upper = upper;
    this.writer = new DatagramWriter(options.epoch, output);
    this.peers = new PeerTable(options.candidatesMax);
    this.identity = this.#nonce();
    this.#prober = new Prober(alarms, options.probesPerMinute, (now, peer) => this.#probe(now, peer));
    const idle = { alarmAt: Infinity, alarmIndex: -1, alarmOrder: 0 };
    this.#flushAlarm = { ...idle, onAlarm: () => undefined }; // firing is enough: every call ends with flush()
    this.#exchangeAlarm = { ...idle, onAlarm: (now) => this.#exchange(now) };
  }

  /** Random, never 0. */
  #nonce(): number {
    return (Math.floor(this.#random() * 0xffffffff) + 1) >>> 0;
  }

  // ---- own addresses and candidates

  addLocal(now: number, local: Local): number {
    let index = this.locals.findIndex((other) => other === undefined);
    if (index < 0) index = this.locals.length;
    this.locals[index] = local;
    const self = this.peers.find(local.id);
    if (self) this.forget(now, self);
    if (this.#exchangeAlarm.alarmIndex < 0) this.alarms.set(this.#exchangeAlarm, now + EXCHANGE_MS);
    return index;
  }

  removeLocal(now: number, index: number): void {
    this.locals[index] = undefined;
    for (const peer of this.peers.all()) {
      if (peer.local !== index) continue;
      if (peer.state === PROBING) this.forget(now, peer);
    }
  }

  onCandidate(now: number, local: number, candidate: Candidate): void {
    const here = this.locals[local];
    if (here === undefined || !here.accepts(candidate.address)) return;
    const port = candidate.port || this.options.port;
    const id = endpointId(candidate.address, port, this.options.port);
    let peer = this.peers.find(id);
    if (peer === undefined) {
      peer = this.#create(now, id, candidate.address, port, local);
      if (peer === undefined) return;
      peer.hops = candidate.hops;
      peer.advertised = candidate.advertised;
      this.#prober.enqueue(now, peer);
    } else if (candidate.advertised && !peer.advertised && peer.state === PROBING) {
      peer.advertised = true;
      peer.probeCount = 0;
      this.#prober.enqueue(now, peer);
    } else {
      if (this.locals[peer.local] === undefined) peer.local = local;
      // Somebody has heard it lately: after a partition this is how one contact brings back all.
      if (candidate.advertised && peer.state === GONE && now - peer.sentAt > GONE_HINT_MS) this.#prober.enqueue(now, peer);
    }
  }

  #create(now: number, id: string, address: string, port: number, local: number): Peer | undefined {
    for (const own of this.locals) if (own?.id === id) return undefined;
    const peer = new Peer(id, address, port, local, this.#nonce(), this);
    if (!this.peers.add(peer, (victim) => this.forget(now, victim))) {
      this.counters.peersRefused++;
      return undefined;
    }
    return peer;
  }

  forget(now: number, peer: Peer): void {
    if (peer.known) this.#upper.onForget(now, peer);
    if (peer.epoch !== 0) this.knownCount--;
    this.counters.peersForgotten++;
    this.alarms.cancel(peer);
    this.alarms.cancel(peer.subsAlarm);
    this.#prober.remove(peer);
    this.peers.delete(peer);
  }

  // ---- timers of peers

  #probe(now: number, peer: Peer): void {
    if (peer.state === ALIVE || this.peers.find(peer.id) !== peer) return;
    this.counters.probesSent++;
    if (!peer.answered) this.counters.probesToSilent++;
    peer.probeCount++;
    this.oweHello(peer, true);
    this.alarms.set(peer, now + probeWaitMs(peer, this.#random));
  }

  onPeerAlarm(now: number, peer: Peer): void {
    const { keepaliveMs, staleMs, goneMs } = this.options;
    if (peer.state === PROBING || peer.state === GONE) return this.#prober.enqueue(now, peer);
    const silentMs = now - peer.heardAt;
    if (silentMs >= goneMs) return this.#setState(now, peer, GONE);
    if (silentMs >= staleMs && peer.state === ALIVE) this.#setState(now, peer, STALE);
    if (silentMs >= keepaliveMs + 2000) this.oweHello(peer, true);
    else if (now - peer.sentAt >= keepaliveMs - 1) this.oweHello(peer, false);
    this.#armLiveness(now, peer);
  }

  #armLiveness(now: number, peer: Peer): void {
    const { keepaliveMs, staleMs, goneMs } = this.options;
    const silentMs = now - peer.heardAt;
    const sendAt = (peer.helloDue ? now : peer.sentAt) + keepaliveMs;
    const probeIn = silentMs < keepaliveMs + 2000 ? keepaliveMs + 2000 - silentMs : peer.state === STALE ? STALE_PROBE_MS : 1000;
    const limit = peer.state === ALIVE ? staleMs - silentMs : goneMs - silentMs;
    this.alarms.set(peer, Math.max(now + 1, Math.min(sendAt, now + probeIn, now + Math.max(1, limit))));
  }

  onSubsAlarm(now: number, peer: Peer): void {
    if (!peer.known || peer.state === GONE || peer.subsAcked === this.subscriptions.version) return;
    peer.subsDue = true;
    this.touch(peer);
    void now;
  }

  /** Our subscriptions changed: tell everybody. */
  announceSubscriptions(): void {
    for (const peer of this.peers.all()) {
      if (!peer.known || peer.state === GONE) continue;
      peer.subsDue = true;
      peer.subsSentCount = 0;
      this.touch(peer);
    }
  }

  #setState(now: number, peer: Peer, state: PeerStateNumber): void {
    const before = peer.state;
    if (before === state) return;
    peer.state = state;
    if (state === ALIVE) {
      peer.answered = true;
      peer.probeCount = 0;
      this.#prober.remove(peer);
      if (peer.subsAcked !== this.subscriptions.version) {
        peer.subsDue = true;
        peer.subsSentCount = 0;
      }
      if (before !== STALE) peer.peersDue = true;
      this.touch(peer);
      this.#armLiveness(now, peer);
    } else if (state === GONE) {
      peer.probeCount = 0;
      this.alarms.cancel(peer.subsAlarm);
      this.alarms.set(peer, now + probeWaitMs(peer, this.#random));
    }
    this.#upper.onPeerState(now, peer, state, before);
  }

  // ---- receiving

  /** One datagram from the network. Malformed ones are counted and change nothing. Never throws. */
  receive(now: number, local: number, address: string, port: number, bytes: Uint8Array): void {
    this.counters.datagramsIn++;
    this.counters.bytesIn += bytes.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length > frame.DATAGRAM_BYTES_MAX || !decodeHeader(view, bytes.length, this.header)) {
      this.counters.malformedIn++;
      return;
    }
    const peer = this.#sender(now, local, address, port);
    if (peer === undefined) return;
    this.view = view;
    this.bytes = bytes;
    let accepted = this.#accepts(peer);
    if (accepted) this.#heard(now, peer);
    let greeted = false;
    let at = HEADER_LENGTH;
    while (at + frame.FRAME_HEADER_LENGTH <= bytes.length) {
      const type = view.getUint8(at);
      const flags = view.getUint8(at + 1);
      const length = view.getUint16(at + 2);
      at += frame.FRAME_HEADER_LENGTH;
      if (at + length > bytes.length) {
        this.counters.malformedIn++;
        break;
      }
      if (type === frame.FRAME_HELLO) {
        greeted = true;
        if (!this.#onHello(now, peer, at, length, flags)) this.counters.malformedIn++;
        accepted = this.#accepts(peer);
      } else if (accepted && !this.#onFrame(now, peer, type, flags, at, length)) {
        this.counters.malformedIn++;
      }
      at += length;
    }
    if (!accepted) {
      this.counters.staleEpochIn++;
      if (!greeted) this.#challenge(now, peer);
    }
  }

  /** Its epoch is the one we believe, and it knows ours: the frames are meant for this incarnation of us. */
  #accepts(peer: Peer): boolean {
    return (
      peer.epoch !== 0 && peer.epoch === this.header.epoch && this.header.receiverEpochLow === (this.options.epoch & 0xffff)
    );
  }

  #sender(now: number, local: number, address: string, port: number): Peer | undefined {
    const id = port === this.options.port ? address : endpointId(address, port, this.options.port);
    const known = this.peers.find(id);
    if (known !== undefined) {
      if (known.local !== local && known.state !== ALIVE) known.local = local;
      return known;
    }
    this.counters.strangersIn++;
    const here = this.locals[local];
    if (here === undefined || !here.accepts(address)) return undefined;
    // On a mesh that binds addresses to keys, one key must not be 65,535 identities: another port needs a candidate.
    if (here.authenticated && port !== this.options.port) return undefined;
    if (!this.#mayChallenge(now)) return undefined;
    return this.#create(now, id, address, port, local);
  }

  #mayChallenge(now: number): boolean {
    const gained = ((now - this.#challengeAt) * CHALLENGES_PER_SECOND) / 1000;
    this.#challengeTokens = Math.min(CHALLENGES_PER_SECOND, this.#challengeTokens + Math.max(0, gained));
    this.#challengeAt = now;
    if (this.#challengeTokens < 1) {
      this.counters.challengesRefused++;
      return false;
    }
    this.#challengeTokens--;
    return true;
  }

  /** Somebody we cannot believe yet spoke: greet it, so that it proves itself. */
  #challenge(now: number, peer: Peer): void {
    if (now - peer.sentAt < 100 || !this.#mayChallenge(now)) return;
    this.oweHello(peer, true);
    if (peer.alarmIndex < 0) this.alarms.set(peer, now + probeWaitMs(peer, this.#random));
  }

  #heard(now: number, peer: Peer): void {
    const silentMs = now - peer.heardAt;
    peer.heardAt = now;
    if (peer.state !== ALIVE) this.#setState(now, peer, ALIVE);
    if (peer.session?.waiting && silentMs > 0) this.#upper.onHeard(now, peer);
  }

  #onHello(now: number, peer: Peer, at: number, length: number, flags: number): boolean {
    const hello = this.#hello;
    if (!decodeHello(this.view, at, length, flags, hello)) return false;
    if (hello.identity === this.identity) {
      if (!peer.known) this.forget(now, peer); // our own voice by another way
      return true;
    }
    peer.echoNonce = hello.nonce;
    peer.echoTimestamp = this.header.timestamp;
    peer.echoAt = now;
    // The nonce is random and new with each incarnation of ours: its echo proves that the peer hears this one.
    if (hello.echoNonce === peer.nonce) {
      peer.roundTrip.onSample(now, (now - hello.echoTimestamp) | 0);
      if (peer.epoch !== this.header.epoch && !this.#adopt(now, peer)) return true;
      peer.identity = hello.identity;
      this.#heard(now, peer);
    }
    const believed = peer.epoch === this.header.epoch;
    if (hello.flags & HELLO_PROBE || !believed) {
      if (believed || this.#mayChallenge(now)) this.oweHello(peer, !believed);
      if (peer.alarmIndex < 0) this.alarms.set(peer, now + probeWaitMs(peer, this.#random));
    }
    if (!this.#accepts(peer)) return true;
    peer.keepaliveS = hello.keepaliveS;
    if (hello.flags & HELLO_BYE) {
      this.#setState(now, peer, GONE);
      return true;
    }
    peer.subsVersion = hello.subsVersion;
    if (hello.subsVersion !== peer.subsHeld) {
      peer.subsReqDue = true;
      this.touch(peer);
    }
    for (let i = 0, stream = hello.streamsAt; i < hello.streamCount; i++, stream += HELLO_STREAM_LENGTH) {
      const view = this.view;
      this.#upper.onHelloStream(now, peer, view.getUint32(stream), view.getUint32(stream + 4), view.getUint32(stream + 8));
    }
    return true;
  }

  /** It echoed our nonce under a new epoch: a first meeting, or a restart. */
  #adopt(now: number, peer: Peer): boolean {
    if (peer.epoch === 0) {
      if (this.knownCount >= this.options.peersMax) {
        this.counters.peersRefused++;
        this.forget(now, peer);
        return false;
      }
      this.knownCount++;
    } else {
      this.counters.restarts++;
      this.#upper.onRestart(now, peer, this.header.epoch);
    }
    peer.epoch = this.header.epoch;
    peer.nonce = this.#nonce();
    peer.subscriptions.clear();
    peer.subsVersion = peer.subsHeld = peer.subsAcked = peer.subsSentCount = 0;
    if (peer.state === ALIVE || peer.state === STALE) {
      peer.subsDue = peer.peersDue = true;
      this.touch(peer);
    }
    return true;
  }

  #onFrame(now: number, peer: Peer, type: number, flags: number, at: number, length: number): boolean {
    if (type === frame.FRAME_SUBS) {
      if (!this.subscriptions.receive(now, peer, this.view, at, length, this.#upper)) return false;
      peer.subsAckDue = true;
      this.touch(peer);
      return true;
    }
    if (type === frame.FRAME_SUBS_ACK) {
      if (length < 4) return false;
      peer.subsAcked = this.view.getUint32(at);
      if (peer.subsAcked === this.subscriptions.version) this.alarms.cancel(peer.subsAlarm);
      return true;
    }
    if (type === frame.FRAME_SUBS_REQ) {
      if (length < 4) return false;
      if (this.view.getUint32(at) === this.subscriptions.version) return true;
      peer.subsDue = true;
      this.touch(peer);
      return true;
    }
    if (type === frame.FRAME_PEERS) return acceptPeers(this, now, peer, at, length);
    return this.#upper.onFrame(now, peer, type, flags, at, length);
  }

  // ---- sending

  oweHello(peer: Peer, probe: boolean): void {
    peer.helloDue = true;
    if (probe) peer.helloProbe = true;
    this.touch(peer);
  }

  /** This peer is owed frames: they leave when the current call into the node ends. */
  touch(peer: Peer): void {
    if (peer.dirty) return;
    peer.dirty = true;
    this.#dirty.push(peer);
  }

  /** Writes and sends what is owed, at most `TURN_DATAGRAMS_MAX` datagrams; the rest a millisecond later. */
  flush(now: number): void {
    const before = this.writer.sentCount;
    for (let i = 0; i < this.#dirty.length; i++) {
      if (this.writer.sentCount - before >= TURN_DATAGRAMS_MAX) {
        this.#dirty = this.#dirty.slice(i);
        this.alarms.set(this.#flushAlarm, now + 1);
        return;
      }
      const peer = this.#dirty[i]!;
      peer.dirty = false;
      this.writer.begin(now, peer);
      if (this.writeOwed(now, peer)) this.touch(peer);
      this.writer.send(now);
    }
    this.#dirty.length = 0;
  }

  /** Appends the frames owed to a peer to the datagram being built. @returns true when some did not fit. */
  writeOwed(now: number, peer: Peer): boolean {
    if (this.locals[peer.local] === undefined) return false;
    if (peer.helloDue && this.writer.room < HELLO_LENGTH) return true;
    if (peer.helloDue) this.#writeHello(now, peer, 0);
    if (!peer.known || peer.state === GONE) return false;
    const { writer, subscriptions } = this;
    if (peer.subsAckDue || peer.subsReqDue) {
      const type = peer.subsAckDue ? frame.FRAME_SUBS_ACK : frame.FRAME_SUBS_REQ;
      if (writer.room < 8) return true;
      if (peer.subsAckDue && peer.subsReqDue && peer.subsHeld === peer.subsVersion) peer.subsReqDue = false;
      writer.view.setUint32(writer.bodyAt, peer.subsHeld);
      writer.close(type, 0, writer.bodyAt + 4);
      if (peer.subsAckDue) peer.subsAckDue = false;
      else peer.subsReqDue = false;
      if (peer.subsReqDue) return this.writeOwed(now, peer);
    }
    if (peer.subsDue) {
      if (!subscriptions.write(writer)) return true;
      peer.subsDue = false;
      peer.subsSentCount++;
      this.alarms.set(peer.subsAlarm, now + subscriptions.retryMs(peer));
    }
    if (peer.peersDue) {
      peer.peersDue = false;
      writePeers(this, peer, this.#random);
    }
    return this.#upper.writeFrames(now, peer, writer);
  }

  #writeHello(now: number, peer: Peer, extraFlags: number): void {
    const hello = this.#hello;
    const { writer } = this;
    hello.nonce = peer.nonce;
    hello.echoNonce = peer.echoNonce;
    hello.echoTimestamp = (peer.echoTimestamp + (now - peer.echoAt)) >>> 0;
    hello.keepaliveS = Math.round(this.options.keepaliveMs / 1000);
    hello.subsVersion = this.subscriptions.version;
    hello.identity = this.identity;
    const at = writer.bodyAt;
    const streamsAt = encodeHello(writer.view, at, hello);
    const streamsMax = Math.min(HELLO_STREAMS_MAX, Math.floor((writer.room - HELLO_LENGTH) / HELLO_STREAM_LENGTH));
    hello.streamCount = peer.known ? this.#upper.writeStreams(peer, writer.view, streamsAt, streamsMax) : 0;
    encodeHello(writer.view, at, hello);
    const flags = (peer.helloProbe ? HELLO_PROBE : 0) | extraFlags;
    writer.close(frame.FRAME_HELLO, flags, streamsAt + hello.streamCount * HELLO_STREAM_LENGTH);
    peer.helloDue = peer.helloProbe = false;
    if (peer.state === ALIVE && extraFlags === 0) this.#upper.writeDigests(peer, writer);
  }

  #exchange(now: number): void {
    const alive = [...this.peers.all()].filter((peer) => peer.state === ALIVE);
    const chosen = alive[Math.floor(this.#random() * alive.length)];
    if (chosen) {
      chosen.peersDue = true;
      this.touch(chosen);
    }
    this.alarms.set(this.#exchangeAlarm, now + Math.round(EXCHANGE_MS * (0.9 + 0.2 * this.#random())));
  }

  /** Tells every known peer that we stop. */
  shutdown(now: number): void {
    for (const peer of this.peers.all()) {
      if (!peer.known || peer.state === GONE || this.locals[peer.local] === undefined) continue;
      this.writer.begin(now, peer);
      this.#writeHello(now, peer, HELLO_BYE);
      this.writer.send(now);
    }
  }
}
