/**
 * When to ask a receiver that says nothing: the probe timeout (PTO, RFC 9002 §6.2), growing while nothing comes back.
 * It is worked out again when it fires, because the round trip and the shared queue may have grown meanwhile.
 */
import type { Alarm } from '../broadcast/alarms.ts';
import { ALIVE, type Peer } from '../broadcast/peer.ts';
import type { Context } from './context.ts';
import type { Outstanding } from './outstanding.ts';

/** Unanswered probes after which nothing new is sent until the receiver is heard again. */
const SILENT_TRIES = 3;
const PTO_MS_MAX = 8_000;
const PTO_LATE_MS_MAX = 30_000;
/** Least allowance for the variation of the round trip. */
const VARIATION_MS_MIN = 10;

export interface ProbeSender {
  /** Nothing came back in time; `seq` is the oldest packet that is not acknowledged, -1: none. */
  onProbeDue(now: number, seq: number): void;
}

export class ProbeTimeout implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  /** Unanswered probes in a row. */
  tries = 0;
  probedAt = -Infinity;
  readonly #context: Context;
  readonly #peer: Peer;
  readonly #sent: Outstanding;
  readonly #sender: ProbeSender;
  readonly #patienceMs: number;
  /** It counts from here, with this ack delay. */
  #from = 0;
  #ackDelayMs = 0;

  /** @param patienceMs what others may need who ask before us */
  constructor(context: Context, peer: Peer, sent: Outstanding, patienceMs: number, sender: ProbeSender) {
    this.#context = context;
    this.#peer = peer;
    this.#sent = sent;
    this.#patienceMs = patienceMs;
    this.#sender = sender;
  }

  get silent(): boolean {
    return this.tries >= SILENT_TRIES;
  }
  get running(): boolean {
    return this.alarmIndex >= 0;
  }

  /** srtt + max(4 var, 10 ms) + the receiver's ack delay + 1.5 x the shared queue, growing while nothing comes back. */
  #ms(ackDelayMs: number): number {
    const { srttMs, variationMs } = this.#peer.roundTrip;
    const queueMs = 1.5 * this.#context.window.worstQueueMs(this.#context.scheduler.now);
    const first = srttMs + Math.max(4 * variationMs, VARIATION_MS_MIN) + ackDelayMs + queueMs + this.#patienceMs;
    const factor = 1.2 ** Math.min(this.tries, 4) * 2 ** Math.max(0, this.tries - 4);
    return Math.round(Math.min(this.tries > 10 ? PTO_LATE_MS_MAX : PTO_MS_MAX, first * factor));
  }

  /** Starts it, unless it runs and is due earlier. */
  start(from: number, ackDelayMs: number): void {
    const at = from + this.#ms(ackDelayMs);
    if (!this.running || this.alarmAt > at) this.#set(from, ackDelayMs, at);
  }

  /** Starts it anew, also when that makes it later. */
  restart(from: number, ackDelayMs: number): void {
    this.#set(from, ackDelayMs, from + this.#ms(ackDelayMs));
  }

  #set(from: number, ackDelayMs: number, at: number): void {
    this.#from = from;
    this.#ackDelayMs = ackDelayMs;
    this.#context.alarms.set(this, at);
  }

  stop(): void {
    this.#context.alarms.cancel(this);
  }

  onAlarm(now: number): void {
    const sent = this.#sent;
    if (!sent.any || this.#peer.reach !== ALIVE) return;
    const seq = sent.oldestUnacked();
    const sinceMs = seq < 0 ? Infinity : sent.sinceSent(now, seq);
    const leftMs = Math.max(this.#from + this.#ms(this.#ackDelayMs) - now, sent.holdMs - sinceMs);
    if (leftMs > 0) this.#context.alarms.set(this, now + Math.ceil(leftMs));
    else this.#sender.onProbeDue(now, seq);
  }

  /** A probe goes now. */
  onProbe(now: number): void {
    this.tries++;
    this.probedAt = now;
  }

  /** The receiver was heard, though not of this stream: ask soon, and again soon. @returns false: asked just now. */
  onHeard(now: number): boolean {
    this.tries = Math.min(this.tries, SILENT_TRIES - 1);
    if (now - this.probedAt < this.#peer.roundTrip.srttMs) return false;
    this.probedAt = now;
    return true;
  }
}
