/**
 * What one receiver is sent again: what its STATUS asks for, what a probe that was answered proves lost, and in `srm`
 * mode what the group was asked for. A packet sent within the last round trip is held down: it may still arrive, unless
 * something sent after it has.
 */
import { newAlarm } from '../broadcast/alarms.ts';
import type { Peer } from '../broadcast/peer.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Context } from './context.ts';
import { COPY } from './flight.ts';
import type { Outstanding } from './outstanding.ts';

/** Requests for one packet after which it goes twice. */
const ESCALATE_TRIES = 2;

export interface RepairSender {
  /** There is something to send again. */
  onRepairQueued(): void;
}

export class RepairQueue {
  readonly #context: Context;
  readonly #peer: Peer;
  readonly #sent: Outstanding;
  readonly #sender: RepairSender;
  readonly #queue: number[] = [];
  /** Packets of which a second copy is on its way. */
  readonly #copies = new Set<number>();

  constructor(context: Context, peer: Peer, sent: Outstanding, sender: RepairSender) {
    this.#context = context;
    this.#peer = peer;
    this.#sent = sent;
    this.#sender = sender;
  }

  get any(): boolean {
    return this.#queue.length > 0;
  }
  get first(): number {
    return this.#queue[0]!;
  }

  /** The first one was sent, or is not lacked any more. */
  shift(): void {
    this.#sent.onUnqueued(this.#queue.shift()!);
  }

  clear(): void {
    this.#queue.length = 0;
    this.#copies.clear();
  }

  /** STATUS asks for the holes up to `high`, the oldest of them for the `tries`-th time. */
  onRequest(now: number, high: number, tries: number): void {
    const { counters, options } = this.#context;
    const sent = this.#sent;
    const holdMs = sent.holdMs;
    for (let seq = serialAdd(sent.base, 1); serialDiff(seq, high) <= 0; seq = serialAdd(seq, 1)) {
      if (sent.settled(seq)) continue;
      counters.requestsIn++;
      if (sent.sinceSent(now, seq) < holdMs && !sent.overtaken(seq)) {
        counters.holdDowns++;
        continue;
      }
      this.#add(now, seq);
      if (options.escalate && tries >= ESCALATE_TRIES) this.#copyLater(now, seq);
    }
  }

  /** A probe was answered: what had been sent before it and is still missing is lost. */
  onProbeAnswered(now: number, probedAt: number): void {
    const sent = this.#sent;
    const holdMs = sent.holdMs;
    for (let seq = serialAdd(sent.base, 1); seq !== sent.next; seq = serialAdd(seq, 1)) {
      if (sent.settled(seq) || !sent.sentBefore(seq, probedAt)) continue;
      if (sent.sinceSent(now, seq) >= holdMs) this.#add(now, seq);
    }
  }

  /** `srm` mode: somebody asked the group for it; whoever has not acknowledged it gets it. */
  onGroupRequest(now: number, seq: number): void {
    const sent = this.#sent;
    if (!sent.lacks(seq) || sent.settled(seq)) return;
    if (sent.sinceSent(now, seq) >= sent.holdMs) this.#add(now, seq);
  }

  #add(now: number, seq: number, copy = 0): void {
    this.#sent.onQueued(now, seq, copy);
    this.#queue.push(seq);
    this.#sender.onRepairQueued();
  }

  /** Asked for again and again: a second copy 0.2 round trips after the first halves the chance of another round. */
  #copyLater(now: number, seq: number): void {
    if (this.#copies.has(seq)) return;
    this.#copies.add(seq);
    const delayMs = Math.round(0.2 * this.#peer.roundTrip.srttMs);
    const alarm = newAlarm((at) => {
      if (!this.#copies.delete(seq)) return;
      if (this.#sent.sinceSent(at, seq) < delayMs) return; // the first one had to wait: the two are close enough
      if (this.#sent.lacks(seq) && !this.#sent.settled(seq)) this.#add(at, seq, COPY);
    });
    this.#context.alarms.set(alarm, now + delayMs + 1);
  }
}
