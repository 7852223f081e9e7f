/**
 * What is missing of one stream that we receive, and when to ask for it. Names are SRM's and NORM's: a hole is due for
 * a request after the reorder delay (SRM's request timer, scaled by the round trip), and again with exponential
 * back-off. In `srm` mode the group is asked (srm-losses.ts), and the source only after that was in vain.
 */
import type { Peer } from '../broadcast/peer.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Request } from '../wire/srm.ts';
import type { Status } from '../wire/status.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import { SrmLosses } from './srm-losses.ts';

const REQUEST_MS_MAX = 4_000;
const REQUEST_BACKOFF = 1.35;
/** With escalation a repeated request goes twice, so long apart; on a path that loses more than LOSSY the first too. */
const TWICE_MS = 16;
const LOSSY = 0.15;
/** Weight of one packet in the loss estimate. */
const LOSS_WEIGHT = 1 / 64;
/** `srm` mode: group requests in vain before the source is asked alone. */
const SRM_TRIES_MAX = 3;
/** Reorder delay in sixteenths of the round trip: widened on each false alarm up to half. */
const REORDER_SIXTEENTHS_MAX = 8;

interface Hole {
  dueAt: number;
  tries: number;
  askedAt: number;
  askedBy: Peer | undefined;
  /** The same request is due a second time, a moment later. */
  twice: boolean;
  /** Timely class: after this it is of no use. */
  uselessAt: number;
}

export class Holes {
  readonly #context: Context;
  readonly #peer: Peer;
  readonly #holes = new Map<number, Hole>();
  /** `srm` mode: requests go to the group. */
  readonly #srm: SrmLosses | undefined;
  #reorderSixteenths = 1;
  /** Share of this stream's packets that were found missing. */
  #lossShare = 0;

  constructor(context: Context, group: Group, peer: Peer, addressed: boolean) {
    this.#context = context;
    this.#peer = peer;
    if (group.srm && !addressed) this.#srm = new SrmLosses(context, group, peer);
  }

  get size(): number {
    return this.#holes.size;
  }

  /** When onTimeout() is next due; Infinity: nothing is to be asked for. */
  get dueAt(): number {
    let at = this.#srm?.dueAt ?? Infinity;
    for (const hole of this.#holes.values()) if (hole.dueAt < at) at = hole.dueAt;
    return at;
  }

  /** When it is of no use any more; Infinity: never, or it is no hole. */
  uselessAt(seq: number): number {
    return this.#holes.get(seq)?.uselessAt ?? Infinity;
  }

  // ---- holes come and go

  /** All after `from` up to `to` exist and have not come; what is not after `cumulative` is of no interest. */
  reveal(now: number, from: number, to: number, cumulative: number, uselessAt: number): void {
    const direct = this.#srm === undefined;
    const reorderMs = 1 + Math.round((this.#peer.roundTrip.srttMs * this.#reorderSixteenths) / 16);
    const dueAt = direct ? now + reorderMs : Infinity;
    for (let seq = from; seq !== to; ) {
      seq = serialAdd(seq, 1);
      this.#lossShare += (1 - this.#lossShare) * LOSS_WEIGHT;
      if (serialDiff(seq, cumulative) <= 0) continue;
      this.#holes.set(seq, { dueAt, tries: 0, askedAt: 0, askedBy: undefined, twice: false, uselessAt });
      this.#srm?.add(now, seq);
    }
  }

  /** A packet came that is newer than all before. */
  onNewest(): void {
    this.#lossShare -= this.#lossShare * LOSS_WEIGHT;
  }

  /** A packet came that may fill a hole. */
  onPacket(now: number, seq: number, repair: boolean): void {
    const hole = this.#holes.get(seq);
    if (hole === undefined) return;
    this.remove(seq);
    // One request, one repair: a round trip, and for a mere receiver the only ones it can measure.
    // A shorter one than the path can be answers something else (Karn): the repair was on its way already.
    const answerMs = now - hole.askedAt;
    const { ownRoundTrip } = this.#peer.way;
    const oneWay = hole.askedBy === this.#peer.way && hole.askedBy === this.#context.broadcast.from;
    if (oneWay && hole.tries === 1 && repair && answerMs >= ownRoundTrip.minMs) ownRoundTrip.onSample(now, answerMs);
    if (hole.tries > 0 && !repair) {
      this.#context.counters.falseAlarms++;
      this.#reorderSixteenths = Math.min(REORDER_SIXTEENTHS_MAX, this.#reorderSixteenths + 1);
    }
  }

  /** Nobody waits for these any more. */
  removeUpTo(to: number): void {
    for (const seq of this.#holes.keys()) if (serialDiff(seq, to) <= 0) this.remove(seq);
  }

  remove(seq: number): void {
    this.#holes.delete(seq);
    this.#srm?.remove(seq);
  }

  clear(): void {
    this.#holes.clear();
    this.#srm?.clear();
  }

  // ---- asking

  #requestMs(tries: number): number {
    const { srttMs, variationMs } = this.#peer.roundTrip;
    const first = srttMs + Math.max(10, 4 * variationMs);
    return Math.round(Math.min(REQUEST_MS_MAX, first * REQUEST_BACKOFF ** Math.max(0, tries - 2)));
  }

  /** The source waits for STATUS, so nothing is merely late: all is due that was not asked for within a round trip. */
  onPoll(now: number): void {
    const { srttMs } = this.#peer.roundTrip;
    for (const hole of this.#holes.values()) {
      if (hole.tries === 0 || hole.dueAt - now < this.#requestMs(hole.tries) - srttMs) hole.dueAt = now;
    }
  }

  /** @returns whether STATUS has to ask for something. */
  onTimeout(now: number): boolean {
    if (this.#srm !== undefined && this.#srm.dueAt <= now) this.#askGroup(now, this.#srm);
    let due = false;
    for (const hole of this.#holes.values()) {
      if (hole.dueAt > now) continue;
      if (hole.uselessAt < now + this.#peer.roundTrip.minMs) hole.dueAt = Infinity;
      else due = true;
    }
    return due;
  }

  /** `srm` mode: the group is asked; after three times in vain the source directly. */
  #askGroup(now: number, srm: SrmLosses): void {
    srm.onTimeout(now);
    for (const [seq, hole] of this.#holes) {
      if (hole.dueAt === Infinity && srm.triesOf(seq) >= SRM_TRIES_MAX) hole.dueAt = now + this.#requestMs(1);
    }
  }

  /** `srm` mode: another member asked the group for packets of this stream. */
  onRequestOverheard(now: number, request: Request, view: DataView, from: Peer): void {
    this.#srm?.onOverheard(now, request, view, from);
  }

  /** STATUS asks for the holes due now: sets its nackHigh and tries, and moves their next request. */
  ask(now: number, status: Status): void {
    status.nackHigh = status.cumulative;
    status.tries = 0;
    for (const [seq, hole] of this.#holes) {
      if (hole.dueAt > now) continue;
      this.#onAsked(now, hole);
      this.#context.counters.requestsSent++;
      if (serialDiff(seq, status.nackHigh) > 0) status.nackHigh = seq;
      status.tries = Math.min(255, Math.max(status.tries, hole.tries));
    }
  }

  #onAsked(now: number, hole: Hole): void {
    if (hole.twice) {
      hole.twice = false;
      hole.dueAt = hole.askedAt + this.#requestMs(hole.tries);
      return;
    }
    hole.tries++;
    hole.askedAt = now;
    hole.askedBy = this.#peer.way;
    hole.twice = this.#context.options.escalate && (hole.tries > 1 || this.#lossShare > LOSSY);
    hole.dueAt = now + (hole.twice ? TWICE_MS : this.#requestMs(hole.tries));
  }
}
