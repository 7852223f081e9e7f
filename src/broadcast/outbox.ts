/**
 * What layer 1 owes to each peer, and the datagrams it leaves in: HELLO, subscriptions and their acknowledgement,
 * PEERS, then the frames of the layer above. Owing is free and repeated at will; everything leaves when the call into
 * the node ends.
 */
import { FRAME_HELLO, FRAME_SUBS_ACK, FRAME_SUBS_REQ } from '../wire/frame.ts';
import { encodeHello, Hello, HELLO_BYE, HELLO_LENGTH, HELLO_PROBE, HELLO_STREAM_LENGTH } from '../wire/hello.ts';
import type { Alarm } from './alarms.ts';
import type { BroadcastContext, Local } from './context.ts';
import { writePeers } from './peer-exchange.ts';
import { ALIVE, GONE, type Peer } from './peer.ts';

const HELLO_STREAMS_MAX = 40;

export class Outbox implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #context: BroadcastContext;
  readonly #hello = new Hello();
  #dirty: Peer[] = [];

  constructor(context: BroadcastContext) {
    this.#context = context;
  }

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

  /** Firing is enough: every call into the node ends with flush(). */
  onAlarm(): void {}

  /** How many peers are owed frames. */
  get size(): number {
    return this.#dirty.length;
  }

  /** Writes and sends what is owed, until the writer has sent `limit` datagrams; the rest a millisecond later. */
  flush(now: number, limit: number): void {
    const { alarms, writer } = this.#context;
    for (let i = 0; i < this.#dirty.length; i++) {
      if (writer.sentCount >= limit) {
        this.#dirty = this.#dirty.slice(i);
        alarms.set(this, now + 1);
        return;
      }
      const peer = this.#dirty[i]!;
      peer.dirty = false;
      writer.begin(now, peer);
      if (this.writeOwed(now, peer)) this.touch(peer);
      writer.send(now);
    }
    this.#dirty.length = 0;
  }

  /** Appends the frames owed to a peer to the datagram being built. @returns true when some did not fit. */
  writeOwed(now: number, peer: Peer): boolean {
    const { locals, upper, writer } = this.#context;
    if (locals[peer.local] === undefined) return false;
    if (peer.helloDue && writer.room < HELLO_LENGTH) return true;
    if (peer.helloDue) this.#writeHello(now, peer, 0);
    if (!peer.known || peer.state === GONE) return false;
    if (!this.#writeSubscriptions(now, peer)) return true;
    if (peer.peersDue) {
      peer.peersDue = false;
      writePeers(this.#context, peer);
    }
    return peer.lead.way === peer && upper.writeFrames(now, peer.lead, writer);
  }

  /** Acknowledges the peer's list, asks for it, tells ours, as is due. @returns false when some did not fit. */
  #writeSubscriptions(now: number, peer: Peer): boolean {
    const context = this.#context;
    const { alarms, former, locals, writer } = context;
    while (peer.subsAckDue || peer.subsReqDue) {
      if (writer.room < 8) return false;
      if (peer.subsAckDue && peer.subsHeld === peer.subsVersion) peer.subsReqDue = false;
      writer.view.setUint32(writer.bodyAt, peer.subsHeld);
      writer.close(peer.subsAckDue ? FRAME_SUBS_ACK : FRAME_SUBS_REQ, 0, writer.bodyAt + 4);
      if (peer.subsAckDue) peer.subsAckDue = false;
      else peer.subsReqDue = false;
    }
    if (peer.subsDue) {
      const others = locals.filter((local, index) => local !== undefined && index !== peer.local) as Local[];
      if (!context.subscriptions.write(writer, others, former)) return false;
      peer.subsDue = false;
      peer.subsSentCount++;
      alarms.set(peer.subsAlarm, now + context.subscriptions.retryMs(peer));
    }
    return true;
  }

  #writeHello(now: number, peer: Peer, extraFlags: number): void {
    const { identity, options, upper, writer } = this.#context;
    const hello = this.#hello;
    hello.nonce = peer.nonce;
    hello.echoNonce = peer.echoNonce;
    hello.echoTimestamp = (peer.echoTimestamp + (now - peer.echoAt)) >>> 0;
    hello.keepaliveS = Math.round(options.keepaliveMs / 1000);
    hello.subsVersion = this.#context.subscriptions.version;
    hello.identity = identity;
    const at = writer.bodyAt;
    const streamsAt = at + HELLO_LENGTH;
    const streamsMax = Math.min(HELLO_STREAMS_MAX, Math.floor((writer.room - HELLO_LENGTH) / HELLO_STREAM_LENGTH));
    // A probe may answer somebody in its name: it is no longer than what asked for it.
    const isBare = peer.helloProbe || !peer.known;
    hello.streamCount = isBare ? 0 : upper.writeStreams(peer.lead, writer.view, streamsAt, streamsMax);
    encodeHello(writer.view, at, hello);
    const flags = (peer.helloProbe ? HELLO_PROBE : 0) | extraFlags;
    writer.close(FRAME_HELLO, flags, streamsAt + hello.streamCount * HELLO_STREAM_LENGTH);
    peer.helloDue = peer.helloProbe = false;
    if (peer.state === ALIVE && extraFlags === 0 && !isBare) upper.writeDigests(peer, writer);
  }

  /** Tells every known peer that we stop, at once. */
  sayGoodbye(now: number): void {
    const { locals, peers, writer } = this.#context;
    for (const peer of peers.all()) {
      if (!peer.known || peer.state === GONE || locals[peer.local] === undefined) continue;
      writer.begin(now, peer);
      this.#writeHello(now, peer, HELLO_BYE);
      writer.send(now);
    }
  }
}
