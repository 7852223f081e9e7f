/**
 * One stream of one source, as we receive it: packets come in, go on to delivery in the order of the group's class, and
 * are acknowledged. What is missing stands in holes.ts; STATUS asks and acknowledges in one.
 *
 *    delivered ... cumulative | hole, packet, packet, hole, ... | high
 */
import type { Alarm } from '../broadcast/alarms.ts';
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import { GONE, type Peer } from '../broadcast/peer.ts';
import { type Data, DATA_ACK_NOW, DATA_LAST, DATA_REPAIR, DATA_START } from '../wire/data.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Request } from '../wire/srm.ts';
import type { Context } from './context.ts';
import { Delivery, type Packet } from './delivery.ts';
import type { Group } from './group.ts';
import { Holes } from './holes.ts';
import type { GapReason } from './node-output.ts';
import { ACK_DELAY_MS, RECEIVE_WINDOW } from './options.ts';
import { KEPT_OVERHEAD_BYTES } from './reorder-budget.ts';
import { ReorderBuffer } from './reorder-buffer.ts';
import type { Session } from './session.ts';
import { StatusWriter, type StreamState } from './status-writer.ts';

const ACK_PACKETS = 32;
/** A source that says it let go of more than this at once, or begins again so far ahead, is not believed. */
const LOW_STEP_MAX = 0x40000000;

export class ReceiveStream implements Alarm, StreamState {
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
  /** Memory for what cannot be handed over yet, as it is counted. */
  keptBytes = 0;
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #context: Context;
  readonly #holes: Holes;
  readonly #reorder: ReorderBuffer;
  readonly #delivery: Delivery;
  readonly #status: StatusWriter;
  #ackAt = Infinity;
  /** The highest number that there was no room for. */
  #forgotten = 0;

  constructor(context: Context, group: Group, peer: Peer, addressed: boolean) {
    this.#context = context;
    this.group = group;
    this.peer = peer;
    this.addressed = addressed;
    this.#holes = new Holes(context, group, peer, addressed);
    this.#reorder = new ReorderBuffer();
    this.#delivery = new Delivery(context, group, peer, addressed);
    this.#status = new StatusWriter(context, this, this.#holes, this.#reorder);
  }

  get holeCount(): number {
    return this.#holes.size;
  }
  get #session(): Session {
    return this.peer.session as Session;
  }
  get #timely(): boolean {
    return this.group.options.delivery === 'timely';
  }
  /** How long what is found missing now is of use. */
  get #usefulMs(): number {
    return this.#timely ? this.group.options.playoutMs : Infinity;
  }

  // ---- input

  onData(now: number, data: Data, bytes: Uint8Array): void {
    const { counters } = this.#context;
    counters.dataIn++;
    this.#status.onSourceWord(now);
    if (data.flags & DATA_START && data.life === this.group.life) this.onStart(data.start);
    if (!this.started) return this.#needStart(now);
    if (data.lowOffset < 65535) this.onLow(now, serialAdd(data.seq, -data.lowOffset));
    const ahead = serialDiff(data.seq, this.cumulative);
    if (ahead <= 0 || this.#reorder.packets.has(data.seq)) return this.#onDuplicate(now, data);
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
    const to = serialAdd(this.cumulative, reach);
    if (reach > 0 && this.#admits(to, 0, false)) this.#noteHigh(now, to, now + this.#usefulMs);
    // What POLL names was sent at least a probe timeout ago.
    if (answer) this.#holes.onPoll(now);
    if (answer || this.#holes.size > before) this.#status.onSourceWord(now);
    if (answer) this.#oweStatus();
    this.#arm(now);
  }

  /** The source says where the stream begins for us; it may say so again, and move it. */
  onStart(start: number): void {
    if (!this.started) {
      this.started = true;
      this.cumulative = this.high = this.#forgotten = serialAdd(start, -1);
      this.#delivery.begin(start);
      return;
    }
    const step = serialDiff(start, this.cumulative);
    if (step > 1 && step <= LOW_STEP_MAX) this.giveUpTo(serialAdd(start, -1), 'evicted');
  }

  /**
   * Another stream of the same source, which is no more, has taken and acknowledged what was meant for this one. So all that
   * it had has come; what neither has of what is acknowledged never will.
   */
  takeOver(now: number, other: ReceiveStream): void {
    if (!other.started) return;
    const parts = other.#delivery.parts;
    const first = serialAdd(other.cumulative, 1 - parts.length);
    this.onStart(first);
    parts.forEach((packet, index) => this.#takeKept(now, serialAdd(first, index), packet));
    for (const [seq, packet] of other.#reorder.packets) this.#takeKept(now, seq, packet);
    this.#noteHigh(now, other.high, now + this.#usefulMs);
    this.#drain();
    this.#arm(now);
  }

  #takeKept(now: number, seq: number, packet: Packet): void {
    if (serialDiff(seq, this.cumulative) <= 0 || this.#reorder.packets.has(seq)) return;
    this.#noteHigh(now, seq, now + this.#usefulMs);
    this.#holes.remove(seq);
    this.#reorder.keep(seq, packet);
    if (!this.group.options.ordered) this.#delivery.early(seq, this.#reorder);
  }

  /** The source serves nothing below `low`. */
  onLow(now: number, low: number, reason: GapReason = 'evicted'): void {
    const step = serialDiff(low, this.cumulative);
    if (!this.started || step <= 1 || step > LOW_STEP_MAX) return;
    // A timely source lets go of what is past its deadline, unless its policy is to drop the slow.
    const late = this.#timely && this.group.options.slow !== 'evict';
    this.giveUpTo(serialAdd(low, -1), late ? 'late' : reason);
    this.#arm(now);
  }

  /** `srm` mode: another member asked the group for packets of this stream. */
  onRequestOverheard(now: number, request: Request, view: DataView, from: Peer): void {
    this.#holes.onRequestOverheard(now, request, view, from);
    this.#arm(now);
  }

  #needStart(now: number): void {
    if (now - this.#status.sentAt < this.peer.roundTrip.srttMs) return; // asked already
    this.#context.counters.needStartSent++;
    this.#oweStatus();
  }

  #onDuplicate(now: number, data: Data): void {
    this.#context.counters.duplicatesIn++;
    // The source does not know that we have it; but the second of two copies needs no second answer.
    const answered = now - this.#status.sentAt < this.peer.roundTrip.srttMs / 2;
    if (data.flags & DATA_ACK_NOW || !answered) this.#oweStatus();
  }

  // ---- packets

  /** Keeps or delivers a new packet. @returns false when there is no memory for it: it will be asked for again. */
  #take(now: number, data: Data, bytes: Uint8Array, ahead: number): boolean {
    const { seq, flags, payloadAt, payloadLength } = data;
    // In its turn, the last part of a message takes nothing, and one before it must have room: else no message would end.
    const last = ahead === 1 && flags & DATA_LAST;
    if (!last && !this.#admits(seq, payloadLength, ahead === 1)) return false;
    if (serialDiff(seq, this.cumulative) !== ahead) return false; // given up to make room
    this.#noteHigh(now, serialAdd(seq, -1), now + this.#remainingMs(data));
    if (serialDiff(seq, this.high) > 0) {
      this.high = seq;
      this.#holes.onNewest();
    }
    this.#holes.onPacket(now, seq, (flags & DATA_REPAIR) !== 0);
    const payload = bytes.slice(payloadAt, payloadAt + payloadLength);
    const packet: Packet = { payload, flags, delivered: false };
    if (ahead === 1) {
      this.#deliver(seq, packet);
      this.#drain();
      return true;
    }
    this.#reorder.keep(seq, packet);
    if (!this.group.options.ordered) this.#delivery.early(seq, this.#reorder);
    return true;
  }

  /** Timely class: ms left until the deadline of a packet that arrives now. */
  #remainingMs(data: Data): number {
    if (!this.#timely) return Infinity;
    const { minMs, sampleCount } = this.peer.roundTrip;
    const oneWayMs = sampleCount === 0 ? 0 : minMs / 2;
    return this.group.options.playoutMs - data.ageMs - Math.round(oneWayMs);
  }

  /** All up to `seq` exist: what has not come is missing. */
  #noteHigh(now: number, seq: number, uselessAt: number): void {
    if (serialDiff(seq, this.high) <= 0) return;
    this.#holes.reveal(now, this.high, seq, this.cumulative, uselessAt);
    this.high = seq;
  }

  #deliver(seq: number, packet: Packet): void {
    this.#delivery.next(seq, packet);
    this.cumulative = seq;
  }

  #drain(): void {
    for (;;) {
      const seq = serialAdd(this.cumulative, 1);
      const packet = this.#reorder.take(seq);
      if (packet === undefined) break;
      this.#deliver(seq, packet);
    }
    if (serialDiff(this.cumulative, this.high) > 0) this.high = this.cumulative;
  }

  /** Delivers what is there up to `to` and reports what is not. */
  giveUpTo(to: number, reason: GapReason): void {
    let distance = serialDiff(to, this.cumulative);
    while (distance > 0) {
      const seq = serialAdd(this.cumulative, 1);
      const packet = this.#reorder.take(seq);
      if (packet !== undefined) {
        this.#deliver(seq, packet);
      } else {
        // A long stretch with nothing kept is one step, however long it is.
        this.cumulative = serialAdd(this.cumulative, this.#reorder.missingRun(seq, distance));
        this.#delivery.missing(seq, this.cumulative, reason);
      }
      distance = serialDiff(to, this.cumulative);
    }
    this.#holes.removeUpTo(this.cumulative);
    this.#drain();
  }

  /** The source will not speak again under this epoch: what is known to be missing never comes. */
  abandon(reason: GapReason): void {
    if (!this.started) return;
    this.giveUpTo(this.high, reason);
    if (serialDiff(this.#forgotten, this.cumulative) <= RECEIVE_WINDOW) this.giveUpTo(this.#forgotten, reason);
    this.#delivery.end(this.cumulative, reason);
    this.#count();
    this.#context.alarms.cancel(this);
  }

  close(): void {
    this.#reorder.clear();
    this.#holes.clear();
    this.#delivery.takeParts();
    this.high = this.cumulative;
    this.#count();
    this.unacknowledgedCount = 0;
    this.#ackAt = Infinity;
    this.#context.alarms.cancel(this);
  }

  // ---- memory

  /** Whether there is room to know of all up to `seq`, missing or here, and for `bytes` of it. */
  #admits(seq: number, bytes: number, must: boolean): boolean {
    const overhead = Math.max(0, serialDiff(seq, this.high)) * KEPT_OVERHEAD_BYTES;
    if (this.#context.reorder.admits(this.#session, bytes + overhead, must)) return true;
    this.#context.counters.overflowIn++;
    this.#forget(seq);
    return false;
  }

  /** It comes again, or is missing in the end. */
  #forget(seq: number): void {
    if (serialAdd(this.#forgotten, -seq) > RECEIVE_WINDOW) this.#forgotten = seq;
  }

  /**
   * Another node needs memory: the highest number is forgotten, as if it had not come yet. Where there is none, what is
   * acknowledged is lost.
   */
  yieldRoom(): void {
    // What has been handed over out of turn must not come again.
    if (this.high === this.cumulative || this.#reorder.packets.get(this.high)?.delivered) {
      this.giveUpTo(this.high, 'overflow');
      this.#delivery.end(this.cumulative, 'overflow');
    } else {
      this.#forget(this.high);
      this.#reorder.take(this.high);
      this.#holes.remove(this.high);
      this.high = serialAdd(this.high, -1);
    }
    this.#count();
  }

  #count(): void {
    const numbers = serialDiff(this.high, this.cumulative);
    const bytes = numbers * KEPT_OVERHEAD_BYTES + this.#reorder.bytes + this.#delivery.keptBytes;
    if (bytes !== this.keptBytes) this.#context.reorder.count(this.#session, bytes - this.keptBytes);
    this.keptBytes = bytes;
  }

  // ---- the alarm

  #arm(now: number): void {
    this.#count();
    let at = Math.min(this.#ackAt, this.#holes.dueAt);
    if (this.#timely) at = Math.min(at, this.#expiresAt());
    if (this.peer.reach === GONE) at = Infinity;
    this.#context.alarms.set(this, at === Infinity ? at : Math.max(now + 1, at));
  }

  /** Timely class: a hole is given up when the packet that revealed it must be played. */
  #expiresAt(): number {
    return this.#holes.uselessAt(serialAdd(this.cumulative, 1));
  }

  onAlarm(now: number): void {
    if (this.#timely) {
      while (this.#expiresAt() <= now) this.giveUpTo(serialAdd(this.cumulative, 1), 'late');
    }
    const asks = this.#holes.onTimeout(now);
    if (this.#ackAt <= now) {
      this.#ackAt = Infinity;
      if (this.unacknowledgedCount > 0) this.#oweStatus();
    }
    if (asks) this.#oweStatus();
    this.#arm(now);
  }

  // ---- STATUS

  #oweStatus(): void {
    this.#session.oweStatus(this);
  }

  /** Appends STATUS with requests for all holes that are due. @returns false when it does not fit. */
  writeStatus(now: number, writer: DatagramWriter): boolean {
    if (!this.#status.write(now, writer)) return false;
    this.unacknowledgedCount = 0;
    this.#ackAt = Infinity;
    this.#arm(now);
    return true;
  }
}
