/**
 * Whether a peer lives: probes to the silent, keepalives to the living, and every change of state (the diagram is in
 * peer.ts). A peer has one alarm; what it is for follows from the state.
 */
import type { BroadcastContext } from './context.ts';
import type { Outbox } from './outbox.ts';
import { ALIVE, ANSWERED, GONE, newNonce, PROBING, STALE, type Peer, type PeerStateNumber, type PeerTimers } from './peer.ts';
import { Prober, probeWaitMs } from './prober.ts';
import type { Twins } from './twins.ts';

/**
 * Unanswered HELLOs to a peer that has gone silent: every so many ms, and when stale after half the time that it has
 * been so, up to the second. At 30 % loss half of the probes fail, and of 200 peers one is always unlucky.
 */
const SILENT_PROBE_MS = 1000;
const STALE_PROBE_MS = 5000;
/** After an own address came back, its peers are greeted one after the other, and again until they are heard. */
const DOUBT_SPACING_MS = 10;
const DOUBT_PROBE_MS = 600;
const DOUBT_MS = 10_000;
/** So long after its keepalive was due, a peer is silent. */
const KEEPALIVE_GRACE_MS = 2000;

export class Liveness implements PeerTimers {
  /** Who is gone, the longest first. */
  readonly #gone = new Set<Peer>();
  readonly #context: BroadcastContext;
  readonly #outbox: Outbox;
  readonly #prober: Prober;
  readonly #twins: Twins;
  #doubtUntil = -Infinity;

  constructor(context: BroadcastContext, outbox: Outbox, twins: Twins) {
    this.#context = context;
    this.#twins = twins;
    this.#outbox = outbox;
    const { alarms, options } = context;
    this.#prober = new Prober(alarms, options.probesPerMinute, (now, peer) => this.#probe(now, peer));
  }

  /** Probes a peer that is not alive as soon as the budget allows. */
  probe(now: number, peer: Peer): void {
    this.#prober.enqueue(now, peer);
  }

  #probe(now: number, peer: Peer): void {
    const { alarms, counters, peers } = this.#context;
    if (peer.state === ALIVE || peers.find(peer.id) !== peer) return;
    counters.probesSent++;
    if (peer.rank !== ANSWERED) counters.probesToSilent++;
    peer.probeCount++;
    this.#outbox.oweHello(peer, true);
    alarms.set(peer, now + this.#probeWaitMs(peer));
  }

  #probeWaitMs(peer: Peer): number {
    return probeWaitMs(peer, this.#gone.size, this.#context.random);
  }

  /**
   * These peers may no longer hear us, as our address was away. They are stale until heard. A mesh loses the first
   * datagrams of new sessions: so several greetings.
   */
  doubt(now: number, peers: readonly Peer[]): void {
    this.#doubtUntil = now + DOUBT_MS;
    let at = now;
    for (const peer of peers) {
      if (peer.state === ALIVE) this.enter(now, peer, STALE);
      peer.probeCount = 0;
      this.#context.alarms.set(peer, (at += DOUBT_SPACING_MS));
    }
  }

  /** It was greeted without being probed: should it not answer, it is. */
  awaitAnswer(now: number, peer: Peer): void {
    const { alarms } = this.#context;
    if (peer.alarmIndex < 0) alarms.set(peer, now + this.#probeWaitMs(peer));
  }

  forget(now: number, peer: Peer): void {
    const { alarms, counters, peers, upper } = this.#context;
    if (peer.known) upper.onForget(now, peer);
    this.#gone.delete(peer);
    counters.peersForgotten++;
    alarms.cancel(peer);
    alarms.cancel(peer.subsAlarm);
    this.#prober.remove(peer);
    peers.delete(peer);
    peer.epoch = 0;
    this.#twins.part(now, peer);
  }

  /** Makes room among the known: @returns false when none of them is gone. */
  forgetLongestGone(now: number): boolean {
    for (const peer of this.#gone) {
      if (peer.reach !== GONE) continue; // its node is called by it, and is there
      this.forget(now, peer);
      return true;
    }
    return false;
  }

  /** The datagram being read shows that this peer lives. */
  heard(now: number, peer: Peer): void {
    peer.timestamp = this.#context.header.timestamp;
    const silentMs = now - peer.heardAt;
    const { doubted, lead } = peer;
    peer.heardAt = now;
    if (peer.state !== ALIVE) this.enter(now, peer, ALIVE);
    else if (doubted) this.#twins.choose(now, lead);
    if (lead.session?.waiting && silentMs > 0) this.#context.upper.onHeard(now, lead);
  }

  onPeerAlarm(now: number, peer: Peer): void {
    const { keepaliveMs, staleMs, goneMs } = this.#context.options;
    if (peer.state === PROBING || peer.state === GONE) return this.probe(now, peer);
    const silentMs = now - peer.heardAt;
    if (silentMs >= goneMs) return this.enter(now, peer, GONE);
    if (silentMs >= staleMs && peer.state === ALIVE) this.enter(now, peer, STALE);
    const doubted = peer.state === STALE && now < this.#doubtUntil;
    if (doubted || peer.doubted || silentMs >= keepaliveMs + KEEPALIVE_GRACE_MS) this.#outbox.oweHello(peer, true);
    else if (now - peer.sentAt >= keepaliveMs - 1) this.#outbox.oweHello(peer, false);
    this.#arm(now, peer);
  }

  /** For what comes first: our next keepalive, a probe of the silent, or the next state. */
  #arm(now: number, peer: Peer): void {
    const { alarms, options } = this.#context;
    const silentMs = now - peer.heardAt;
    const sendAt = (peer.helloDue ? now : peer.sentAt) + options.keepaliveMs;
    const graceMs = options.keepaliveMs + KEEPALIVE_GRACE_MS - silentMs;
    const doubted = peer.state === STALE && now < this.#doubtUntil;
    const staleForMs = Math.round((silentMs - options.staleMs) / 2);
    const silentProbeMs = Math.min(STALE_PROBE_MS, Math.max(SILENT_PROBE_MS, staleForMs));
    const suspected = peer.doubted && peer.state === ALIVE;
    const inGraceMs = suspected ? SILENT_PROBE_MS : graceMs;
    const probeMs = doubted ? DOUBT_PROBE_MS : graceMs > 0 ? inGraceMs : silentProbeMs;
    const limitMs = (peer.state === ALIVE ? options.staleMs : options.goneMs) - silentMs;
    alarms.set(peer, Math.max(now + 1, Math.min(sendAt, now + probeMs, now + Math.max(1, limitMs))));
  }

  /** Our subscriptions were not acknowledged in time. */
  onSubsAlarm(peer: Peer): void {
    if (!peer.known || peer.state === GONE || peer.subsAcked === this.#context.subscriptions.version) return;
    peer.subsDue = true;
    this.#outbox.touch(peer);
  }

  /** The only place where a peer's state changes. */
  enter(now: number, peer: Peer, state: PeerStateNumber): void {
    const { alarms, random, upper } = this.#context;
    const { lead, state: before } = peer;
    if (before === state) return;
    const reach = lead.reach;
    peer.state = state;
    this.#gone.delete(peer);
    if (state === ALIVE) {
      peer.probeCount = 0;
      this.#prober.remove(peer);
      if (peer.subsAcked !== this.#context.subscriptions.version) {
        peer.subsDue = true;
        peer.subsSentCount = 0;
      }
      if (before !== STALE) peer.peersDue = true;
      this.#outbox.touch(peer);
      this.#arm(now, peer);
    } else if (state === GONE) {
      this.#gone.add(peer);
      peer.nonce = newNonce(random); // what it said before proves no life from here on
      peer.probeCount = 0;
      peer.subsAcked = 0; // on its return SUBS is owed until it is acknowledged: one lost greeting is not waited out
      alarms.cancel(peer.subsAlarm);
      alarms.set(peer, now + this.#probeWaitMs(peer));
    }
    upper.onPeerState(peer);
    if (lead.reach !== reach) upper.onReach(now, lead, reach);
    this.#twins.settle(now, peer);
  }
}
