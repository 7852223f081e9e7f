/**
 * Layer 1: who is there. Candidates are probed, those who answer are peers, peers that fall silent go stale and then
 * gone; every peer learns our subscriptions. Pure: time and randomness come in, datagrams leave through `output`. The
 * layer above adds its frames to the datagrams built here. This file reads datagrams and hands their frames on; who
 * comes in is decided in admission.ts, who is believed in greeting.ts, who lives in liveness.ts, what is sent in
 * outbox.ts.
 */
import * as frame from '../wire/frame.ts';
import { decodeHeader, Header, HEADER_LENGTH } from '../wire/header.ts';
import { decodeSubs, Subs, SUBS_ADDRESSES_MAX } from '../wire/subs.ts';
import { Admission } from './admission.ts';
import { type Alarms, newAlarm } from './alarms.ts';
import { type BroadcastContext, type Local, newCounters } from './context.ts';
import { DatagramWriter, type DatagramOutput } from './datagram-writer.ts';
import { Greeting } from './greeting.ts';
import { Liveness } from './liveness.ts';
import type { Candidate } from './mesh-source.ts';
import type { BroadcastOptions } from './options.ts';
import { Outbox } from './outbox.ts';
import { acceptPeers } from './peer-exchange.ts';
import { PeerTable } from './peer-table.ts';
import { ALIVE, GONE, newNonce, type Peer, PROBING } from './peer.ts';
import { Subscriptions } from './subscriptions.ts';
import { Twins } from './twins.ts';
import type { UpperLayer } from './upper-layer.ts';

/** Of a peer whom none of our addresses reaches. */
const NO_LOCAL = -1;
/** A random peer gets our list of peers this often. */
const EXCHANGE_MS = 60_000;

export class Broadcast implements BroadcastContext {
  readonly options: BroadcastOptions;
  readonly random: () => number;
  readonly alarms: Alarms;
  readonly upper: UpperLayer;
  readonly writer: DatagramWriter;
  readonly peers: PeerTable;
  readonly subscriptions = new Subscriptions();
  readonly locals: (Local | undefined)[] = [];
  former: readonly Local[] = [];
  readonly counters = newCounters();
  readonly header = new Header();
  view: DataView = new DataView(new ArrayBuffer(0));
  bytes: Uint8Array = new Uint8Array(0);
  from: Peer | undefined;
  readonly identity: number;
  readonly outbox: Outbox;
  readonly #twins: Twins;

  readonly #liveness: Liveness;
  readonly #admission: Admission;
  readonly #greeting: Greeting;
  readonly #exchangeAlarm = newAlarm((now) => this.#exchange(now));
  readonly #subs = new Subs();

  constructor(
    options: BroadcastOptions, random: () => number, alarms: Alarms, output: DatagramOutput, upper: UpperLayer,
  ) {
    this.options = options;
    this.random = random;
    this.alarms = alarms;
    this.upper = upper;
    this.writer = new DatagramWriter(options.epoch, output);
    this.peers = new PeerTable(options.candidatesMax);
    this.identity = newNonce(random);
    this.outbox = new Outbox(this);
    this.#twins = new Twins(this, this.outbox);
    this.#liveness = new Liveness(this, this.outbox, this.#twins);
    this.#admission = new Admission(this, this.#liveness);
    this.#greeting = new Greeting(this, this.outbox, this.#liveness, this.#admission, this.#twins);
  }

  // ---- own addresses and candidates

  /** @returns the lowest free number: the address is called by it from now on. */
  addLocal(now: number, local: Local): number {
    let index = this.locals.findIndex((other) => other === undefined);
    if (index < 0) index = this.locals.length;
    this.locals[index] = local;
    this.former = this.former.filter(({ id }) => id !== local.id);
    const self = this.peers.find(local.id);
    if (self) this.#liveness.forget(now, self);
    if (this.#exchangeAlarm.alarmIndex < 0) this.alarms.set(this.#exchangeAlarm, now + EXCHANGE_MS);
    this.#tellAddresses(now);
    // It may be back after a while: whom we know over it has given up on us for some time, so we greet first.
    const known: Peer[] = [];
    for (const peer of this.peers.all()) {
      if (peer.state === PROBING || this.locals[peer.local] !== undefined || !local.accepts(peer.address)) continue;
      peer.local = index;
      known.push(peer);
    }
    this.#liveness.doubt(now, known);
    return index;
  }

  /** Our addresses have changed: all who know us learn it as they learn our groups. */
  #tellAddresses(now: number): void {
    if (this.peers.size === 0) return;
    this.subscriptions.touch();
    this.announceSubscriptions();
    this.alarms.setEarlier(this.outbox, now); // whoever calls does not know the new one's number yet
  }

  /** Those who have not answered yet are forgotten; peers wait for another address of ours, or go stale. */
  removeLocal(now: number, index: number): void {
    const local = this.locals[index];
    this.locals[index] = undefined;
    if (local?.authenticated) this.former = [local, ...this.former].slice(0, SUBS_ADDRESSES_MAX);
    for (const peer of this.peers.all()) {
      if (peer.local !== index) continue;
      peer.local = NO_LOCAL; // an address on another mesh may get the number
      if (peer.state === PROBING) this.#liveness.forget(now, peer);
      else this.#twins.settle(now, peer);
    }
    this.#tellAddresses(now);
  }

  onCandidate(now: number, local: number, candidate: Candidate): void {
    this.#admission.onCandidate(now, local, candidate);
  }

  // ---- receiving

  /** One datagram from the network. Malformed ones are counted and change nothing. Never throws. */
  receive(now: number, local: number, address: string, port: number, bytes: Uint8Array): void {
    const { counters } = this;
    counters.datagramsIn++;
    counters.bytesIn += bytes.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length > frame.DATAGRAM_BYTES_MAX || !decodeHeader(view, bytes.length, this.header)) {
      counters.malformedIn++;
      return;
    }
    const peer = this.#admission.sender(now, local, address, port);
    if (peer === undefined) return;
    this.view = view;
    this.bytes = bytes;
    this.from = peer;
    const greeting = this.#greeting;
    let accepted = greeting.accepts(peer);
    if (accepted && greeting.isNews(peer)) this.#liveness.heard(now, peer);
    let greeted = false;
    let at = HEADER_LENGTH;
    while (at + frame.FRAME_HEADER_LENGTH <= bytes.length) {
      const type = view.getUint8(at);
      const flags = view.getUint8(at + 1);
      const length = view.getUint16(at + 2);
      at += frame.FRAME_HEADER_LENGTH;
      if (at + length > bytes.length) {
        counters.malformedIn++;
        break;
      }
      if (type === frame.FRAME_HELLO) {
        greeted = true;
        if (!greeting.onHello(now, peer, at, length, flags)) counters.malformedIn++;
        accepted = greeting.accepts(peer);
      } else if (accepted && !this.#onFrame(now, peer, type, flags, at, length)) {
        counters.malformedIn++;
      }
      at += length;
    }
    if (!accepted) {
      counters.staleEpochIn++;
      if (!greeted) greeting.challenge(now, peer);
    }
  }

  #onFrame(now: number, peer: Peer, type: number, flags: number, at: number, length: number): boolean {
    if (type === frame.FRAME_SUBS) {
      const subs = this.#subs;
      if (!decodeSubs(this.view, at, length, subs)) return false;
      this.#twins.onAddresses(now, peer, subs);
      this.subscriptions.receive(now, peer, this.view, subs, this.upper);
      // All ways of a node tell the same list, and one of them may be dumb.
      if (peer.lead !== peer) this.subscriptions.receive(now, peer.lead, this.view, subs, this.upper);
      peer.subsAckDue = true;
      this.outbox.touch(peer);
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
      peer.subsSentCount = 0; // it hears us now: what was said before it did is no reason to be slow
      peer.subsDue = true;
      this.outbox.touch(peer);
      return true;
    }
    if (type === frame.FRAME_PEERS) return acceptPeers(this, this.#admission, now, peer, at, length);
    return this.upper.onFrame(now, peer, type, flags, at, length);
  }

  // ---- ways

  /** Our probes to this peer's node have had no answer since then. */
  suspect(now: number, lead: Peer, since: number): void {
    this.#twins.suspect(now, lead, since);
  }

  /** Data has come by this address. */
  follow(now: number, peer: Peer): void {
    this.#twins.follow(now, peer);
  }

  // ---- telling all

  /** Our subscriptions changed: tell everybody. */
  announceSubscriptions(): void {
    for (const peer of this.peers.all()) {
      if (!peer.known || peer.state === GONE) continue;
      peer.subsDue = true;
      peer.subsSentCount = 0;
      this.outbox.touch(peer);
    }
  }

  #exchange(now: number): void {
    const alive = [...this.peers.all()].filter((peer) => peer.state === ALIVE);
    const chosen = alive[Math.floor(this.random() * alive.length)];
    if (chosen) {
      chosen.peersDue = true;
      this.outbox.touch(chosen);
    }
    this.alarms.set(this.#exchangeAlarm, now + Math.round(EXCHANGE_MS * (0.9 + 0.2 * this.random())));
  }

  /** Tells every known peer that we stop. */
  shutdown(now: number): void {
    this.outbox.sayGoodbye(now);
  }
}
