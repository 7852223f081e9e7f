/**
 * What one receiver was sent and has not acknowledged. Three numbers into the stream, and while there is something
 * between them a ring of columns (flight.ts) that says of each packet when it went and what became of it. At all times
 * cumulative <= base < next <= base + 129: so the ring has a slot for each, and whoever walks from base meets next.
 *
 *    cumulative  ...  base      packets on their way      next
 *       said          |  sent, some of them acknowledged   |   not yet sent
 *
 * Bytes on their way count in the node's window, each packet once, until it is acknowledged, asked for again or given
 * up; a hold-down longer where nobody will tell any more.
 */
import { newAlarm } from '../broadcast/alarms.ts';
import type { Peer } from '../broadcast/peer.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Status } from '../wire/status.ts';
import type { Context } from './context.ts';
import { ACKED, COPY, COUNTED, type Flight, QUEUED } from './flight.ts';

/** Of the shortest round trip: packets may overtake each other by so much (RFC 8985 §6.2, reo_wnd). */
const REORDER_SHARE = 0.25;

export class Outstanding {
  /** What the receiver has said: all up to it has arrived, or is given up. */
  cumulative: number;
  /** That, or the edge of the log where older packets have been let go. */
  base: number;
  /** First one not yet sent. */
  next: number;
  readonly #context: Context;
  readonly #peer: Peer;
  #flight: Flight | undefined;
  /** Of what has arrived and was sent once, the last one sent. */
  #arrived: number;
  #arrivedSentAt = 0;
  /** When the receiver wrote the newest word of these, on its clock; NaN: there is none. */
  #saidAt = NaN;
  /** Sent, then let go by the log before word of it came: still proof that the path carries as much. */
  #evictedBytes = 0;

  constructor(context: Context, peer: Peer, start: number) {
    this.#context = context;
    this.#peer = peer;
    this.cumulative = this.base = this.#arrived = serialAdd(start, -1);
    this.next = start;
  }

  /** Sent and neither acknowledged nor given up, or cut off and not yet told so. */
  get any(): boolean {
    return serialDiff(this.next, this.cumulative) > 1;
  }

  /** What was sent within this time is still on its way (SRM's hold-down). */
  get holdMs(): number {
    const { srttMs, variationMs } = this.#peer.roundTrip;
    return srttMs + 2 * variationMs + 4;
  }

  /** ms since this packet was last sent; Infinity: never. */
  sinceSent(now: number, seq: number): number {
    const flight = this.#flight;
    if (flight === undefined || flight.sends[flight.slot(seq)] === 0) return Infinity;
    return (now - flight.sentAt[flight.slot(seq)]!) >>> 0;
  }

  /**
   * Something that was sent later has arrived, so it is lost and no longer on its way (RACK, RFC 8985 §6.2). What was
   * sent once goes by its number within a millisecond, and the receiver has waited for the reordering.
   */
  overtaken(seq: number): boolean {
    const flight = this.#flight;
    if (flight === undefined) return false;
    const slot = flight.slot(seq);
    const laterMs = (this.#arrivedSentAt - flight.copiedAt[slot]!) | 0;
    if (flight.sends[slot] === 1) return laterMs > 0 || (laterMs === 0 && serialDiff(this.#arrived, seq) > 0);
    return flight.sends[slot]! > 1 && laterMs > this.#peer.roundTrip.minMs * REORDER_SHARE;
  }

  /** Whether the last time it was sent was before `time`; one that was never sent may be taken for either. */
  sentBefore(seq: number, time: number): boolean {
    const flight = this.#flight;
    return flight !== undefined && ((flight.sentAt[flight.slot(seq)]! - time) | 0) < 0;
  }

  #state(seq: number): number {
    return this.#flight === undefined ? 0 : this.#flight.state[this.#flight.slot(seq)]!;
  }

  /** Whether it was sent, and the receiver lacks it and can still get it. */
  lacks(seq: number): boolean {
    return serialDiff(seq, this.base) > 0 && serialDiff(seq, this.next) < 0 && (this.#state(seq) & ACKED) === 0;
  }

  /** Acknowledged, or in the queue of repairs already. */
  settled(seq: number): boolean {
    return (this.#state(seq) & (ACKED | QUEUED)) !== 0;
  }

  oldestUnacked(): number {
    for (let seq = serialAdd(this.base, 1); seq !== this.next; seq = serialAdd(seq, 1)) {
      if ((this.#state(seq) & ACKED) === 0) return seq;
    }
    return -1;
  }

  // ---- what happens to a packet

  onSent(now: number, seq: number, size: number, repair: boolean): void {
    const { window } = this.#context;
    const flight = this.#flight ?? this.#begin(now);
    const slot = flight.slot(seq);
    if ((flight.state[slot]! & COUNTED) === 0) {
      window.onSend(now, size, repair);
      flight.state[slot]! |= COUNTED;
      flight.bytes[slot] = size;
    }
    // The second of two copies of a repair does not begin the hold-down anew.
    const sinceMs = (now - flight.sentAt[slot]!) >>> 0;
    if ((flight.state[slot]! & COPY) === 0 || sinceMs * 2 >= this.holdMs) flight.sentAt[slot] = now | 0;
    flight.copiedAt[slot] = now | 0;
    if (flight.sends[slot]! < 255) flight.sends[slot]!++;
  }

  #begin(now: number): Flight {
    this.#arrivedSentAt = now | 0;
    this.#saidAt = NaN;
    return (this.#flight = this.#context.flights.take());
  }

  /** It waits to be sent again, as the second of two copies or not: it is not on its way any more. */
  onQueued(now: number, seq: number, copy: number): void {
    const flight = this.#flight ?? this.#begin(now);
    this.#uncount(flight, seq);
    flight.state[flight.slot(seq)]! |= QUEUED | copy;
  }

  onUnqueued(seq: number): void {
    const flight = this.#flight;
    if (flight !== undefined) flight.state[flight.slot(seq)]! &= ~(QUEUED | COPY);
  }

  /** The next one was sent, or is left out. */
  onNext(): void {
    this.next = serialAdd(this.next, 1);
  }

  /** The receiver knows nothing of the stream: what it has not acknowledged is still to be sent. */
  restart(): void {
    this.cumulative = this.base;
    this.next = serialAdd(this.base, 1);
  }

  /** @returns the bytes newly acknowledged. */
  onStatus(status: Status, view: DataView): number {
    const flight = this.#flight;
    let ackedBytes = 0;
    if (serialDiff(status.cumulative, this.cumulative) > 0) {
      this.cumulative = status.cumulative;
      ackedBytes = this.#evictedBytes;
      this.#evictedBytes = 0;
    }
    if (serialDiff(this.cumulative, this.base) > 0) {
      if (flight !== undefined) this.#onArrived(flight, this.cumulative);
      ackedBytes += this.#advance(this.cumulative);
    }
    // A restart that crossed with an answer: it has more than we remember to have sent, and says so itself.
    if (serialDiff(status.high, this.next) >= 0) this.next = serialAdd(status.high, 1);
    if (flight === undefined) return ackedBytes;
    const { timestamp } = this.#context.broadcast.header;
    const newest = serialDiff(timestamp, this.#saidAt) >= 0;
    if (newest) this.#saidAt = timestamp;
    const first = serialAdd(status.cumulative, 2);
    for (let i = -1; i < status.bitmapLength * 8; i++) {
      const seq = serialAdd(first, i);
      if (serialDiff(seq, this.base) <= 0) continue;
      if (serialDiff(seq, this.next) >= 0) break;
      if (i < 0 || (view.getUint8(status.bitmapAt + (i >> 3)) & (0x80 >> (i & 7))) === 0) {
        // It had no room to keep it.
        if (newest) flight.state[flight.slot(seq)]! &= ~ACKED;
        continue;
      }
      this.#onArrived(flight, seq);
      ackedBytes += this.#uncount(flight, seq);
      flight.state[flight.slot(seq)]! |= ACKED;
    }
    return ackedBytes;
  }

  /** What the receiver lacks below `low` is served no more. */
  onEvicted(low: number): void {
    this.#evictedBytes += this.#advance(serialAdd(low, -1));
  }

  // ---- bookkeeping

  #onArrived(flight: Flight, seq: number): void {
    const slot = flight.slot(seq);
    // Of one that was sent twice nobody knows which has arrived, and an earlier life of the stream says nothing.
    if (flight.sends[slot] !== 1) return;
    const laterMs = (flight.sentAt[slot]! - this.#arrivedSentAt) | 0;
    if (laterMs < 0 || (laterMs === 0 && serialDiff(seq, this.#arrived) <= 0)) return;
    this.#arrivedSentAt = flight.sentAt[slot]!;
    this.#arrived = seq;
  }

  /** Bytes that nobody answers for must not fill the node's window. @returns how many they were. */
  uncountAll(): number {
    const flight = this.#flight;
    let bytes = 0;
    for (let seq = serialAdd(this.base, 1); flight !== undefined && seq !== this.next; seq = serialAdd(seq, 1)) {
      bytes += this.#uncount(flight, seq);
    }
    return bytes;
  }

  /** The same where nobody will tell of them, though they are on their way. */
  uncountLater(now: number): void {
    const bytes = this.uncountAll();
    if (bytes === 0) return;
    this.#context.window.inFlight += bytes;
    this.leaveLater(now, bytes);
  }

  /** With nothing outstanding, or all to be sent anew, the columns are of no use. */
  release(now: number): void {
    this.uncountLater(now);
    if (this.#flight !== undefined) this.#context.flights.give(this.#flight);
    this.#flight = undefined;
    this.#arrived = this.base;
  }

  /** Bytes of which there will be no word are on their way for a hold-down. */
  leaveLater(now: number, bytes: number): void {
    const { alarms, window } = this.#context;
    alarms.set(newAlarm(() => window.onRemove(bytes)), now + this.holdMs);
  }

  #uncount(flight: Flight, seq: number): number {
    const slot = flight.slot(seq);
    if ((flight.state[slot]! & COUNTED) === 0) return 0;
    flight.state[slot]! &= ~COUNTED;
    this.#context.window.onRemove(flight.bytes[slot]!);
    return flight.bytes[slot]!;
  }

  /** Moves `base` forward, and `next` before it where that is passed. @returns the bytes that were on their way. */
  #advance(to: number): number {
    const flight = this.#flight;
    const first = serialAdd(to, 1);
    const passed = serialDiff(first, this.next) > 0;
    const end = passed ? this.next : first;
    let bytes = 0;
    for (let seq = serialAdd(this.base, 1); flight !== undefined && seq !== end; seq = serialAdd(seq, 1)) {
      bytes += this.#uncount(flight, seq);
      flight.clear(seq);
    }
    this.base = to;
    if (passed) this.next = first;
    return bytes;
  }
}
