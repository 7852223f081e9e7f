/**
 * Who is believed. A peer proves with HELLO that it hears this incarnation of us: it echoes the nonce that we sent it,
 * under the epoch that it wants to be known by. Until then nothing it says counts, so replays and forged restarts
 * change nothing.
 */
import { serialDiff } from '../wire/serial.ts';
import { decodeHello, Hello, HELLO_BYE, HELLO_PROBE, HELLO_STREAM_LENGTH } from '../wire/hello.ts';
import type { Admission } from './admission.ts';
import type { BroadcastContext } from './context.ts';
import type { Liveness } from './liveness.ts';
import type { Outbox } from './outbox.ts';
import { ALIVE, ANSWERED, GONE, newNonce, STALE, type Peer } from './peer.ts';
import type { Twins } from './twins.ts';

/** Datagrams do not come later than others by more than this. */
const LATE_MS = 10_000;
/** Somebody to whom we have just spoken is not greeted again. */
const CHALLENGE_SPACING_MS = 100;

export class Greeting {
  readonly #context: BroadcastContext;
  readonly #outbox: Outbox;
  readonly #liveness: Liveness;
  readonly #admission: Admission;
  readonly #twins: Twins;
  readonly #hello = new Hello();

  constructor(context: BroadcastContext, outbox: Outbox, liveness: Liveness, admission: Admission, twins: Twins) {
    this.#context = context;
    this.#outbox = outbox;
    this.#liveness = liveness;
    this.#admission = admission;
    this.#twins = twins;
  }

  /**
   * @returns whether the datagram being read is to be believed: its epoch is the one we believe, and it knows ours, so
   * that its frames are meant for this incarnation of us. What is old is of another life under that epoch, or a replay.
   */
  accepts(peer: Peer): boolean {
    const { header, options } = this.#context;
    const known = peer.epoch !== 0 && peer.epoch === header.epoch && header.receiverEpochLow === (options.epoch & 0xffff);
    return known && (peer.state === GONE ? this.isNews(peer) : this.#sinceNewest(peer) >= -LATE_MS);
  }

  /** No copy, and nothing that was overtaken: only that shows that the peer lives. */
  isNews(peer: Peer): boolean {
    return this.#sinceNewest(peer) > 0;
  }

  #sinceNewest(peer: Peer): number {
    return serialDiff(this.#context.header.timestamp, peer.timestamp);
  }

  /** Somebody we cannot believe yet spoke: greet it, so that it proves itself. */
  challenge(now: number, peer: Peer): void {
    if (now - peer.sentAt < CHALLENGE_SPACING_MS || !this.#admission.mayChallenge(now)) return;
    this.#outbox.oweHello(peer, true);
    this.#liveness.awaitAnswer(now, peer);
  }

  /** @returns false when malformed. */
  onHello(now: number, peer: Peer, at: number, length: number, flags: number): boolean {
    const { header, identity, view } = this.#context;
    const hello = this.#hello;
    if (!decodeHello(view, at, length, flags, hello)) return false;
    if (hello.identity === identity) {
      if (!peer.known) this.#liveness.forget(now, peer); // our own voice by another way
      return true;
    }
    peer.echoNonce = hello.nonce;
    peer.echoTimestamp = header.timestamp;
    peer.echoAt = now;
    // The nonce is random and new with each incarnation of ours: its echo proves that the peer hears this one.
    if (hello.echoNonce === peer.nonce) {
      peer.ownRoundTrip.onSample(now, (now - hello.echoTimestamp) | 0);
      // A clock that stood still may give the same epoch to the next life.
      const isOther = peer.epoch !== header.epoch || peer.identity !== hello.identity;
      if (isOther && !this.#adopt(now, peer)) return true;
      peer.identity = hello.identity;
      if (isOther || peer.state === GONE || this.isNews(peer)) this.#liveness.heard(now, peer);
    }
    const accepted = this.accepts(peer);
    if (hello.flags & HELLO_PROBE || peer.epoch !== header.epoch) {
      if (accepted || this.#admission.mayChallenge(now)) this.#outbox.oweHello(peer, !accepted);
      this.#liveness.awaitAnswer(now, peer);
    }
    if (accepted) this.#onNews(now, peer, hello);
    return true;
  }

  /** What a peer that is believed says besides. */
  #onNews(now: number, peer: Peer, hello: Hello): void {
    if (hello.flags & HELLO_BYE) {
      for (const way of [peer, ...peer.lead.ways]) {
        way.timestamp = this.#context.header.timestamp;
        this.#liveness.enter(now, way, GONE);
      }
      return;
    }
    peer.subsVersion = hello.subsVersion;
    if (hello.subsVersion !== peer.subsHeld) {
      peer.subsReqDue = true;
      this.#outbox.touch(peer);
    }
    const { upper, view } = this.#context;
    for (let i = 0, stream = hello.streamsAt; i < hello.streamCount; i++, stream += HELLO_STREAM_LENGTH) {
      upper.onHelloStream(now, peer, view.getUint32(stream), view.getUint32(stream + 4), view.getUint32(stream + 8));
    }
  }

  /** It echoed our nonce in a new life: a first meeting, or a restart. @returns false when there is no room. */
  #adopt(now: number, peer: Peer): boolean {
    const { counters, header, options, peers, random, upper } = this.#context;
    if (peer.epoch === 0) {
      if (peers.of(ANSWERED).size >= options.peersMax && !this.#liveness.forgetLongestGone(now)) {
        counters.peersRefused++;
        this.#liveness.forget(now, peer);
        return false;
      }
      this.#admission.raise(now, peer, ANSWERED);
    } else {
      counters.restarts++;
      // Its other ways are of the life that is over; a node that went by another address ends under that.
      const { lead } = peer;
      for (const way of lead.ways) {
        if (way !== peer) this.#liveness.enter(now, way, GONE);
        if (way !== lead) way.subscriptions.clear();
      }
      const led = lead === peer;
      peer.subscriptions.clear();
      if (!led) this.#twins.part(now, peer);
      upper.onRestart(now, peer, header.epoch);
      if (led) this.#twins.part(now, peer);
    }
    peer.epoch = header.epoch;
    peer.metAt = now;
    peer.nonce = newNonce(random);
    peer.subsVersion = peer.subsHeld = peer.subsAcked = peer.subsSentCount = 0;
    if (peer.state === ALIVE || peer.state === STALE) {
      peer.subsDue = peer.peersDue = true;
      this.#outbox.touch(peer);
    }
    return true;
  }
}
