/**
 * One stream of one source, as we receive it: what is missing, when to ask for it, and when to acknowledge. Names are SRM's and
 * NORM's: a hole is due for a request after the reorder delay (SRM's request timer, scaled by the round trip), and again with
 * exponential back-off; STATUS asks and acknowledges in one.
 *
 *    delivered ... cumulative | hole, packet, packet, hole, ... | high
 */
import type { Alarm } from '../broadcast/alarms.ts';
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import { GONE, type Peer } from '../broadcast/peer.ts';
import { type Data, DATA_ACK_NOW, DATA_REPAIR, DATA_START } from '../wire/data.ts';
import { FRAME_STATUS } from '../wire/frame.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import { encodeStatus, Status, STATUS_BITMAP_MAX, STATUS_ECHO, STATUS_LENGTH, STATUS_NEED_START, STATUS_PRIVATE } from '../wire/status.ts';
import type { Request } from '../wire/srm.ts';
import type { Context } from './context.ts';
import { Delivery, type Packet } from './delivery.ts';
import type { Group } from './group.ts';
import type { GapReason } from './node-output.ts';
import { ACK_DELAY_MS, RECEIVE_WINDOW } from './options.ts';
import type { Session } from './session.ts';
import { SrmLosses } from './srm-losses.ts';

const ACK_PACKETS = 32;
const REQUEST_MS_MAX = 4_000;
const REQUEST_BACKOFF = 1.35;
/** With escalation a repeated request goes twice, so long apart; on a path that loses more than LOSSY the first one too. */
const TWICE_MS = 16;
/** `srm` mode: group requests in vain before the source is asked alone. */
const SRM_TRIES_MAX = 3;
const LOSSY = 0.15;
/** Weight of one packet in the loss estimate. */
const LOSS_WEIGHT = 1 / 64;
/** Fewer round trips than this say nothing sure about the way here. */
const ONE_WAY_SAMPLES_MIN = 4;
/** Reorder delay in eighths of the round trip: widened on each false alarm up to half. */
const REORDER_EIGHTHS_MAX = 4;

interface Hole {
  dueAt: number;
  tries: number;
  askedAt: number;
  /** The same request is due a second time, a moment later. */
  twice: boolean;
  /** Timely class: after this it is of no use. */
  uselessAt: number;
}

const status = new Status();

export class ReceiveStream implements Alarm {
  readonly group: Group;
  readonly peer: Peer;
  readonly addressed: boolean;
  /** False until the source has said where it starts for us. */
  started = false;
  cumulative = 0;
  /** Highest sequence number known to exist. */
  high = 0;
  /** Packets since our last STATUS. */
  unacknowledgedCount = 0;
  lastAt = 0;
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #context: Context;
  readonly #packets = new Map<number, Packet>();
  readonly #holes = new Map<number, Hole>();
  readonly #delivery: Delivery;
  /** `srm` mode: requests go to the group. */
  readonly #srm: SrmLosses | undefined;
  #bytes = 0;
  #reorderEighths = 1;
  /** Share of this stream's packets that were found missing. */
  #lossShare = 0;
  #ackAt = Infinity;
  #echoTimestamp = 0;
  #echoAt = -1;
  #statusAt = -Infinity;

  constructor(context: Context, group: Group, peer: Peer, addressed: boolean) {
    this.#context = context;
    this.group = group;
    this.peer = peer;
    this.addressed = addressed;
    this.#delivery = new Delivery(context, group, peer, addressed);
    if (group.srm && !addressed) this.#srm = new SrmLosses(context, group, peer);
  }

  get holeCount(): number {
    return this.#holes.size;
  }
  get reorderBytes(): number {
    return this.#bytes;
  }
  get #timely(): boolean {
    return this.group.options.delivery === 'timely';
  }

  // ---- input

  onData(now: number, data: Data, bytes: Uint8Array): void {
    const { counters } = this.#context;
    counters.dataIn++;
    this.#onSourceWord(now);
    if (data.flags & DATA_START) this.#onStart(data.start);
    if (!this.started) return this.#needStart(now);
    if (data.lowOffset < 65535) this.onLow(now, serialAdd(data.seq, -data.lowOffset));
    const ahead = serialDiff(data.seq, this.cumulative);
    if (ahead <= 0 || this.#packets.has(data.seq)) return this.#onDuplicate(now, data);
    if (ahead > RECEIVE_WINDOW) {
      counters.outOfWindowIn++;
      return this.#oweStatus();
    }
    if (!this.#take(now, data, bytes, ahead)) return;
    this.unacknowledgedCount++;
    if (data.flags & DATA_ACK_NOW || this.unacknowledgedCount >= ACK_PACKETS) this.#oweStatus();
    else if (this.#ackAt === Infinity) this.#ackAt = now + ACK_DELAY_MS;
    this.#arm(now);
  }

  /** The source says which numbers exist: POLL (answer at once), or HELLO's tail backstop. */
  onHigh(now: number, high: number, answer: boolean): void {
    if (!this.started) return answer ? this.#needStart(now) : undefined;
    const reach = Math.min(serialDiff(high, this.cumulative), RECEIVE_WINDOW);
    const before = this.#holes.size;
    const uselessAt = this.#timely ? now + this.group.options.playoutMs : Infinity;
    if (reach > 0) this.#noteHigh(now, serialAdd(this.cumulative, reach), uselessAt);
    // What POLL names was sent at least a probe timeout ago: nothing of it is merely late.
    if (answer) for (const hole of this.#holes.values()) if (hole.tries === 0 || this.#settled(now, hole)) hole.dueAt = now;
    if (answer || this.#holes.size > before) this.#onSourceWord(now);
    if (answer) this.#oweStatus();
    this.#arm(now);
  }

  /** POLL for a receiver that may not have started. */
  onPollStart(start: number): void {
    this.#onStart(start);
  }

  #settled(now: number, hole: Hole): boolean {
    return hole.dueAt - now < this.#requestMs(hole.tries) - this.peer.roundTrip.srttMs;
  }

  #onSourceWord(now: number): void {
    this.lastAt = now;
    this.#echoTimestamp = this.#context.broadcast.header.timestamp;
    this.#echoAt = now;
  }

  #onStart(start: number): void {
    if (!this.started) {
      this.started = true;
      this.cumulative = this.high = serialAdd(start, -1);
      this.#delivery.begin(start);
      return;
    }
    if (serialDiff(start, this.cumulative) > 1) this.giveUpTo(serialAdd(start, -1), 'evicted');
  }

  #needStart(now: number): void {
    if (now - this.#statusAt < this.peer.roundTrip.srttMs) return; // asked already
    this.#context.counters.needStartSent++;
    this.#oweStatus();
  }

  /** The source serves nothing below `low`. */
  onLow(now: number, low: number, reason: GapReason = 'evicted'): void {
    if (!this.started || serialDiff(low, this.cumulative) <= 1) return;
    if (serialDiff(low, this.cumulative) > 0x40000000) return;
    // A timely source lets go of what is past its deadline, unless its policy is to drop the slow.
    const late = this.#timely && this.group.options.slow !== 'evict';
    this.giveUpTo(serialAdd(low, -1), late ? 'late' : reason);
    this.#arm(now);
  }

  #onDuplicate(now: number, data: Data): void {
    this.#context.counters.duplicatesIn++;
    // The source does not know that we have it; but the second of two copies needs no second answer.
    const answered = now - this.#statusAt < this.peer.roundTrip.srttMs / 2;
    if (data.flags & DATA_ACK_NOW || !answered) this.#oweStatus();
  }

  /** Keeps or delivers a new packet. @returns false when there is no memory for it: it stays missing and is asked for again. */
  #take(now: number, data: Data, bytes: Uint8Array, ahead: number): boolean {
    const { options, counters } = this.#context;
    const size = data.payloadLength;
    if (ahead > 1) {
      const full = this.#bytes + size > options.reorderBytesMax || this.#context.reorderBytes + size > options.nodeReorderBytesMax;
      if (full) {
        counters.overflowIn++;
        return false;
      }
    }
    this.#noteHigh(now, serialAdd(data.seq, -1), now + this.#remainingMs(data));
    if (serialDiff(data.seq, this.high) > 0) {
      this.high = data.seq;
      this.#lossShare -= this.#lossShare * LOSS_WEIGHT;
    }
    this.#onFilled(now, data);
    const payload = bytes.slice(data.payloadAt, data.payloadAt + size);
    const packet: Packet = { payload, flags: data.flags, dueBy: now + this.#remainingMs(data), delivered: false };
    if (ahead === 1) {
      this.#delivery.next(data.seq, packet);
      this.cumulative = data.seq;
      this.#drain();
      return true;
    }
    this.#packets.set(data.seq, packet);
    this.#bytes += size;
    this.#context.reorderBytes += size;
    if (!this.group.options.ordered) this.#delivery.early(data.seq, this.#packets);
    return true;
  }

  #onFilled(now: number, data: Data): void {
    const hole = this.#holes.get(data.seq);
    if (hole === undefined) return;
    this.#holes.delete(data.seq);
    this.#srm?.remove(data.seq);
    // One request, one repair: a round trip, and for a mere receiver the only ones it can measure.
    if (hole.tries === 1 && data.flags & DATA_REPAIR) this.peer.roundTrip.onSample(now, now - hole.askedAt);
    if (hole.tries > 0 && (data.flags & DATA_REPAIR) === 0) {
      this.#context.counters.falseAlarms++;
      this.#reorderEighths = Math.min(REORDER_EIGHTHS_MAX, this.#reorderEighths + 1);
    }
  }

  /** Timely class: ms left until the deadline of a packet that arrives now. */
  #remainingMs(data: Data): number {
    if (!this.#timely) return Infinity;
    const { minMs, variationMs, sampleCount } = this.peer.roundTrip;
    const oneWayMs = sampleCount < ONE_WAY_SAMPLES_MIN ? 0 : Math.max(0, minMs / 2 - variationMs);
    return this.group.options.playoutMs - data.ageMs - Math.round(oneWayMs);
  }

  /** All up to `seq` exist: what has not come is missing. */
  #noteHigh(now: number, seq: number, uselessAt: number): void {
    const { roundTrip } = this.peer;
    const direct = this.#srm === undefined;
    const dueAt = direct ? now + 4 + Math.round((roundTrip.srttMs * this.#reorderEighths) / 8) : Infinity;
    while (serialDiff(seq, this.high) > 0) {
      this.high = serialAdd(this.high, 1);
      this.#lossShare += (1 - this.#lossShare) * LOSS_WEIGHT;
      if (serialDiff(this.high, this.cumulative) <= 0) continue;
      this.#holes.set(this.high, { dueAt, tries: 0, askedAt: 0, twice: false, uselessAt });
      this.#srm?.add(now, this.high);
    }
  }

  #drain(): void {
    for (;;) {
      const seq = serialAdd(this.cumulative, 1);
      const packet = this.#packets.get(seq);
      if (packet === undefined) break;
      this.#remove(seq, packet);
      this.#delivery.next(seq, packet);
      this.cumulative = seq;
    }
    if (serialDiff(this.cumulative, this.high) > 0) this.high = this.cumulative;
  }

  #remove(seq: number, packet: Packet): void {
    this.#packets.delete(seq);
    this.#bytes -= packet.payload.length;
    this.#context.reorderBytes -= packet.payload.length;
  }

  /** Delivers what is there up to `to` and reports what is not. */
  giveUpTo(to: number, reason: GapReason): void {
    let distance = serialDiff(to, this.cumulative);
    while (distance > 0) {
      const seq = serialAdd(this.cumulative, 1);
      const packet = this.#packets.get(seq);
      if (packet !== undefined) {
        this.#remove(seq, packet);
        this.#delivery.next(seq, packet);
        this.cumulative = seq;
      } else {
        // A long stretch with nothing kept is one step, however long it is.
        const stretch = this.#packets.size === 0 ? distance : this.#missingRun(seq, distance);
        this.cumulative = serialAdd(this.cumulative, stretch);
        this.#delivery.missing(seq, this.cumulative, reason);
      }
      distance = serialDiff(to, this.cumulative);
    }
    for (const seq of this.#holes.keys()) {
      if (serialDiff(seq, this.cumulative) > 0) continue;
      this.#holes.delete(seq);
      this.#srm?.remove(seq);
    }
    if (serialDiff(this.cumulative, this.high) > 0) this.high = this.cumulative;
    this.#drain();
  }

  #missingRun(from: number, max: number): number {
    let nearest = max;
    for (const seq of this.#packets.keys()) {
      const offset = serialDiff(seq, from);
      if (offset >= 0 && offset < nearest) nearest = offset;
    }
    return nearest;
  }

  /** The source will not speak again under this epoch: what is known to be missing never comes. */
  abandon(reason: GapReason): void {
    if (!this.started) return;
    this.giveUpTo(this.high, reason);
    this.#delivery.end(this.cumulative, reason);
    this.#context.alarms.cancel(this);
  }

  close(): void {
    for (const [seq, packet] of this.#packets) this.#remove(seq, packet);
    this.#holes.clear();
    this.#srm?.clear();
    this.unacknowledgedCount = 0;
    this.#ackAt = Infinity;
    this.#context.alarms.cancel(this);
  }

  // ---- timers

  #requestMs(tries: number): number {
    const { roundTrip } = this.peer;
    const first = 1.15 * roundTrip.srttMs + 20 + 4 * roundTrip.variationMs;
    return Math.round(Math.min(REQUEST_MS_MAX, first * REQUEST_BACKOFF ** Math.max(0, tries - 2)));
  }

  #arm(now: number): void {
    let at = this.#ackAt;
    for (const hole of this.#holes.values()) if (hole.dueAt < at) at = hole.dueAt;
    if (this.#srm !== undefined) at = Math.min(at, this.#srm.dueAt);
    if (this.#timely) at = Math.min(at, this.#expiresAt());
    if (this.peer.state === GONE) at = Infinity;
    this.#context.alarms.set(this, at === Infinity ? at : Math.max(now + 1, at));
  }

  /** Timely class: a hole is given up when the packet that revealed it must be played. */
  #expiresAt(): number {
    return this.#holes.get(serialAdd(this.cumulative, 1))?.uselessAt ?? Infinity;
  }

  onAlarm(now: number): void {
    if (this.#timely) {
      while (this.#expiresAt() <= now) this.giveUpTo(serialAdd(this.cumulative, 1), 'late');
    }
    if (this.#srm !== undefined && this.#srm.dueAt <= now) this.#askGroup(now, this.#srm);
    if (this.#ackAt <= now && this.unacknowledgedCount > 0) this.#oweStatus();
    if (this.#ackAt <= now) this.#ackAt = Infinity;
    for (const hole of this.#holes.values()) {
      if (hole.dueAt > now) continue;
      if (hole.uselessAt < now + this.peer.roundTrip.minMs) hole.dueAt = Infinity;
      else this.#oweStatus();
    }
    this.#arm(now);
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
    this.#arm(now);
  }

  // ---- STATUS

  #oweStatus(): void {
    (this.peer.session as Session).oweStatus(this);
  }

  /** Appends STATUS with requests for all holes that are due. @returns false when it does not fit. */
  writeStatus(now: number, writer: DatagramWriter): boolean {
    const span = this.started ? Math.max(0, serialDiff(this.high, this.cumulative) - 1) : 0;
    const bitmapLength = Math.min(STATUS_BITMAP_MAX, Math.ceil(span / 8));
    if (writer.room < STATUS_LENGTH + bitmapLength) return false;
    this.#collectRequests(now);
    status.flags = (this.addressed ? STATUS_PRIVATE : 0) | (this.started ? 0 : STATUS_NEED_START);
    if (this.#echoAt >= 0) {
      status.flags |= STATUS_ECHO;
      status.echoTimestamp = (this.#echoTimestamp + (now - this.#echoAt)) >>> 0;
    }
    status.groupHigh = this.group.idHigh;
    status.groupLow = this.group.idLow;
    status.epochLow = this.peer.epoch & 0xffff;
    status.cumulative = this.cumulative;
    status.high = this.high;
    status.window = RECEIVE_WINDOW;
    const bitmapAt = encodeStatus(writer.view, writer.bodyAt, status);
    writer.bytes.fill(0, bitmapAt, bitmapAt + bitmapLength);
    const first = serialAdd(this.cumulative, 2);
    for (const seq of this.#packets.keys()) {
      const bit = serialDiff(seq, first);
      if (bit < bitmapLength * 8) writer.bytes[bitmapAt + (bit >> 3)]! |= 0x80 >> (bit & 7);
    }
    writer.close(FRAME_STATUS, status.flags, bitmapAt + bitmapLength);
    this.#context.counters.statusSent++;
    this.unacknowledgedCount = 0;
    this.#ackAt = Infinity;
    this.#statusAt = now;
    this.#arm(now);
    return true;
  }

  #ask(now: number, hole: Hole): void {
    if (hole.twice) {
      hole.twice = false;
      hole.dueAt = hole.askedAt + this.#requestMs(hole.tries);
      return;
    }
    hole.tries++;
    hole.askedAt = now;
    hole.twice = this.#context.options.escalate && (hole.tries > 1 || this.#lossShare > LOSSY);
    hole.dueAt = now + (hole.twice ? TWICE_MS : this.#requestMs(hole.tries));
  }

  /** Sets nackHigh and tries from the holes due now, and moves their next request. */
  #collectRequests(now: number): void {
    status.nackHigh = this.cumulative;
    status.tries = 0;
    for (const [seq, hole] of this.#holes) {
      if (hole.dueAt > now) continue;
      this.#ask(now, hole);
      this.#context.counters.requestsSent++;
      if (serialDiff(seq, status.nackHigh) > 0) status.nackHigh = seq;
      status.tries = Math.min(255, Math.max(status.tries, hole.tries));
    }
  }
}
