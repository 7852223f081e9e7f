/**
 * One receiver's place in one of our streams. First send, repair, late join and catch-up after a partition are the same
 * operation: moving this cursor over the log.
 *
 *    log.low        base        cumulative ...   next            log.next
 *       |  history   |  done  |   outstanding   |   not yet sent   |
 *
 * `cumulative` is what the receiver has said; `base` is that, or the edge of the log where older packets have been let go.
 * STATUS moves it and asks for repairs; when none comes, the probe timeout (PTO) asks: with the oldest packet itself while it
 * is small, with POLL otherwise.
 */
import type { Alarm } from '../broadcast/alarms.ts';
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import { ALIVE, type Peer } from '../broadcast/peer.ts';
import { FRAME_DATA, FRAME_HEADER_LENGTH, FRAME_POLL } from '../wire/frame.ts';
import { DATA_ACK_NOW, DATA_LENGTH, DATA_PRIVATE, DATA_REPAIR, DATA_START } from '../wire/data.ts';
import { POLL_LENGTH } from '../wire/poll.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import { type Status, STATUS_ECHO, STATUS_NEED_START } from '../wire/status.ts';
import { ACKED, COUNTED, QUEUED, type Flight } from './flight.ts';
import { RECEIVE_WINDOW } from './options.ts';
import type { LogEntry } from './send-log.ts';
import type { SendStream } from './send-stream.ts';

/** A receiver waits at most this long with an acknowledgement nobody asked for. */
export const ACK_DELAY_MS = 400;
/** What a datagram costs on the link beside its frames: our header 12, IPv6 and UDP 48, the mesh's own envelope about 100. */
const DATAGRAM_OVERHEAD_BYTES = 160;
/** After so long without sending, the next packet asks for an acknowledgement at once. */
const IDLE_MS = 250;
/** Up to this size the probe is the packet itself: a 40 B POLL saves bytes but costs one more round trip on a loss. */
const PROBE_PAYLOAD_MAX = 400;
const PROBE_DATA_TRIES = 3;
/** Unanswered probes after which nothing new is sent until the receiver is heard again. */
const SILENT_TRIES = 3;
const PTO_MS_MAX = 8_000;
const PTO_LATE_MS_MAX = 30_000;
const ESCALATE_TRIES = 2;
/** `srm` mode: the group's requests and session messages come first, our own probe only after them. */
const SRM_PATIENCE_MS = 2_500;
/** The loss estimate looks back over so many packets, the recent half counting most. */
const LOSS_SAMPLE_MAX = 256;

export class Cursor implements Alarm {
  readonly stream: SendStream;
  readonly peer: Peer;
  /** First sequence number meant for this receiver; repeated to it until its first STATUS. */
  start: number;
  started = false;
  cumulative: number;
  base: number;
  next: number;
  window = RECEIVE_WINDOW;
  /** When the receiver last said something of this stream. */
  heardAt = -Infinity;
  /** Unanswered probes in a row. */
  backoff = 0;
  pollDue = false;
  /** In a queue of the scheduler. */
  queued = false;
  repairQueued = false;
  /** The peer left, restarted or was forgotten: queues may still name this cursor. */
  closed = false;
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  #flight: Flight | undefined;
  #repairs: number[] = [];
  /** Sent, then let go by the log before word of it came: still proof that the path carries as much. */
  #evictedBytes = 0;
  #ackNowSeq: number;
  #probedAt = -Infinity;
  /** The probe timeout counts from here, with this ack delay; it is worked out again when it fires. */
  #waitFrom = 0;
  #waitDelayMs = 0;
  #sentAt = -Infinity;
  /** When the newest unanswered ACK-NOW went; -Infinity: none is open. */
  #askedAt = -Infinity;

  constructor(stream: SendStream, peer: Peer, start: number) {
    this.stream = stream;
    this.peer = peer;
    this.start = start;
    this.cumulative = this.base = this.#ackNowSeq = serialAdd(start, -1);
    this.next = start;
  }

  /** Sent and neither acknowledged nor given up, or cut off and not yet told so. */
  get outstanding(): boolean {
    return serialDiff(this.next, this.cumulative) > 1;
  }
  get silent(): boolean {
    return this.backoff >= SILENT_TRIES;
  }
  /** Oldest packet that this receiver can still get. */
  get #low(): number {
    return serialDiff(this.base, this.cumulative) > 0 ? serialAdd(this.base, 1) : this.stream.log.low;
  }
  get hasRepairs(): boolean {
    return this.#repairs.length > 0;
  }
  get hasNew(): boolean {
    const log = this.stream.log;
    return this.next !== log.next && serialDiff(this.next, this.base) <= this.window && !this.silent;
  }
  get hasWork(): boolean {
    return !this.closed && this.peer.state === ALIVE && (this.#repairs.length > 0 || this.hasNew);
  }

  get queuedBytes(): number {
    let bytes = 0;
    for (let seq = serialAdd(this.base, 1); seq !== this.stream.log.next; seq = serialAdd(seq, 1)) {
      bytes += this.stream.log.at(seq)?.payload.length ?? 0;
    }
    return bytes;
  }

  // ---- sending

  /** Appends DATA while it fits. @returns false when the node's window stopped it. */
  fill(now: number, writer: DatagramWriter): boolean {
    const { log, context } = this.stream;
    while (this.#repairs.length > 0) {
      const seq = this.#repairs[0]!;
      const entry = this.#due(seq) ? log.at(seq) : undefined;
      if (entry !== undefined && !this.#tooLate(now, entry)) {
        if (writer.room < DATA_LENGTH + 4 + entry.payload.length) return true;
        if (!context.window.admits(entry.payload.length)) return false;
        this.#write(now, writer, seq, entry, DATA_REPAIR);
        context.counters.repairsSent++;
      }
      this.#repairs.shift();
      this.#unqueue(seq);
    }
    while (this.hasNew) {
      const entry = log.at(this.next);
      if (entry === undefined) {
        this.#skipTo(log.low);
        this.#waitUntil(now, 0, false);
        continue;
      }
      if (writer.room < DATA_LENGTH + 4 + entry.payload.length) return true;
      if (!this.#tooLate(now, entry)) {
        if (!context.window.admits(entry.payload.length)) return false;
        this.#write(now, writer, this.next, entry, 0);
      } else {
        this.#waitUntil(now, 0, false); // never sent, so POLL has to tell of it
      }
      this.next = serialAdd(this.next, 1);
    }
    return true;
  }

  /** The log let go of what this receiver still lacked: it is told by `low` in every DATA and POLL from now on. */
  onEvicted(now: number): void {
    const edge = serialAdd(this.stream.log.low, -1);
    if (serialDiff(edge, this.base) <= 0) return;
    this.#evictedBytes += this.#advanceBase(edge);
    if (serialDiff(this.stream.log.low, this.next) > 0) this.#skipTo(this.stream.log.low);
    this.#owePoll();
    this.#waitUntil(now, 0, false);
  }

  /** Policy `evict`: a receiver that is too slow loses all that it lacks, at once and with notice. */
  skipAll(): void {
    this.#skipTo(this.stream.log.next);
  }

  #skipTo(seq: number): void {
    this.next = seq;
    const edge = serialAdd(seq, -1);
    if (serialDiff(edge, this.base) > 0) this.#advanceBase(edge);
  }

  #due(seq: number): boolean {
    return serialDiff(seq, this.base) > 0 && (this.#slotState(seq) & ACKED) === 0;
  }

  /** Timely class: it could not arrive before its deadline. */
  #tooLate(now: number, entry: LogEntry): boolean {
    const playoutMs = this.stream.playoutMs;
    return playoutMs > 0 && now - entry.publishedAt + this.peer.roundTrip.minMs / 2 > playoutMs;
  }

  #write(now: number, writer: DatagramWriter, seq: number, entry: LogEntry, extraFlags: number): void {
    const { group, context } = this.stream;
    const idle = now - this.#sentAt > Math.max(IDLE_MS, 1.5 * this.peer.roundTrip.srttMs);
    const window = context.window;
    const askAgainMs = this.peer.roundTrip.srttMs * (window.growing ? (this.stream.playoutMs > 0 ? 0 : 0.3) : 1);
    const pressed = window.pressed && now - this.#askedAt > askAgainMs;
    const ackNow = idle || pressed || extraFlags & DATA_ACK_NOW ? DATA_ACK_NOW : 0;
    const size = entry.payload.length + FRAME_HEADER_LENGTH + DATA_LENGTH + (writer.empty ? DATAGRAM_OVERHEAD_BYTES : 0);
    const start = this.started ? 0 : DATA_START;
    const flags = entry.flags | extraFlags | ackNow | start | (this.stream.addressed ? DATA_PRIVATE : 0);
    const { view, bodyAt } = writer;
    view.setUint32(bodyAt, group.idHigh);
    view.setUint32(bodyAt + 4, group.idLow);
    view.setUint32(bodyAt + 8, seq);
    view.setUint16(bodyAt + 12, Math.max(0, Math.min(65535, serialDiff(seq, this.#low))));
    view.setUint16(bodyAt + 14, Math.min(65535, now - entry.publishedAt));
    if (start) view.setUint32(bodyAt + DATA_LENGTH, this.start);
    const payloadAt = bodyAt + DATA_LENGTH + (start ? 4 : 0);
    writer.bytes.set(entry.payload, payloadAt);
    writer.close(FRAME_DATA, flags, payloadAt + entry.payload.length);
    this.#onWritten(now, seq, size, (extraFlags & DATA_REPAIR) !== 0, ackNow !== 0);
  }

  #onWritten(now: number, seq: number, size: number, repair: boolean, ackNow: boolean): void {
    const { context } = this.stream;
    const flight = (this.#flight ??= context.flights.take());
    const slot = flight.slot(seq);
    if ((flight.state[slot]! & COUNTED) === 0) context.window.onSend(now, size, repair);
    flight.state[slot] = flight.state[slot]! | COUNTED;
    flight.bytes[slot] = size;
    flight.sentAt[slot] = now | 0;
    if (flight.sends[slot]! < 255) flight.sends[slot]!++;
    context.counters.dataSent++;
    context.counters.dataBytesSent += size;
    if (repair) this.peer.lostCount++;
    if (++this.peer.sentCount >= LOSS_SAMPLE_MAX) {
      this.peer.sentCount >>= 1;
      this.peer.lostCount >>= 1;
    }
    this.peer.paceBytes -= size;
    this.#sentAt = now;
    if (ackNow) this.#askedAt = now;
    if (ackNow && serialDiff(seq, this.#ackNowSeq) > 0) this.#ackNowSeq = seq;
    if (ackNow || this.alarmIndex < 0) this.#waitUntil(now, ackNow ? 0 : ACK_DELAY_MS, false);
  }

  /** Writes POLL when it is owed. @returns false when it does not fit. */
  writePoll(writer: DatagramWriter): boolean {
    if (!this.pollDue) return true;
    if (writer.room < POLL_LENGTH + 4) return false;
    const { group, context } = this.stream;
    const { view, bodyAt } = writer;
    view.setUint32(bodyAt, group.idHigh);
    view.setUint32(bodyAt + 4, group.idLow);
    view.setUint32(bodyAt + 8, serialAdd(this.next, -1));
    view.setUint32(bodyAt + 12, this.#low);
    if (!this.started) view.setUint32(bodyAt + POLL_LENGTH, this.start);
    const flags = (this.started ? 0 : DATA_START) | (this.stream.addressed ? DATA_PRIVATE : 0);
    writer.close(FRAME_POLL, flags, bodyAt + POLL_LENGTH + (this.started ? 0 : 4));
    this.pollDue = false;
    context.counters.pollsSent++;
    return true;
  }

  // ---- the probe timeout

  /** srtt + max(4 var, 10 ms) + the receiver's ack delay + 1.5 x the shared queue, growing while nothing comes back. */
  #pto(ackDelayMs: number): number {
    const { roundTrip } = this.peer;
    const queueMs = 1.5 * this.stream.context.window.worstQueueMs(this.stream.context.scheduler.now);
    const srmMs = this.stream.group.srm && !this.stream.addressed ? SRM_PATIENCE_MS : 0;
    const first = roundTrip.srttMs + Math.max(4 * roundTrip.variationMs, 10) + ackDelayMs + queueMs + srmMs;
    const factor = 1.2 ** Math.min(this.backoff, 4) * 2 ** Math.max(0, this.backoff - 4);
    return Math.round(Math.min(this.backoff > 10 ? PTO_LATE_MS_MAX : PTO_MS_MAX, first * factor));
  }

  onAlarm(now: number): void {
    if (!this.outstanding || this.peer.state !== ALIVE) return;
    const seq = this.#oldestUnacked();
    const sinceMs = seq < 0 ? Infinity : this.#sinceSent(now, seq);
    const leftMs = Math.max(this.#waitFrom + this.#pto(this.#waitDelayMs) - now, this.#holdMs - sinceMs);
    if (leftMs > 0) this.stream.context.alarms.set(this, now + Math.ceil(leftMs));
    else this.#probe(now, seq);
  }

  /** Starts the probe timeout. `later`: also when that makes it later. */
  #waitUntil(from: number, ackDelayMs: number, later: boolean): void {
    const { alarms } = this.stream.context;
    const at = from + this.#pto(ackDelayMs);
    if (!later && this.alarmIndex >= 0 && this.alarmAt <= at) return;
    this.#waitFrom = from;
    this.#waitDelayMs = ackDelayMs;
    alarms.set(this, at);
  }

  /** What was sent within the last round trip is still on its way (SRM's hold-down). */
  get #holdMs(): number {
    const { srttMs, variationMs } = this.peer.roundTrip;
    return srttMs + 2 * variationMs + 4;
  }

  #sinceSent(now: number, seq: number): number {
    const flight = this.#flight;
    if (flight === undefined || flight.sends[flight.slot(seq)] === 0) return Infinity;
    return (now - flight.sentAt[flight.slot(seq)]!) | 0;
  }

  #probe(now: number, seq: number): void {
    const { context, log } = this.stream;
    this.#uncountAll();
    this.stream.expire(now);
    this.backoff++;
    this.#probedAt = now;
    this.stream.session(this.peer).waiting ||= this.silent;
    context.counters.probesSent++;
    const entry = seq < 0 ? undefined : log.at(seq);
    const small = entry !== undefined && entry.payload.length <= PROBE_PAYLOAD_MAX;
    if (small && this.backoff <= PROBE_DATA_TRIES && !this.#tooLate(now, entry)) {
      this.stream.sendNow(now, this, (writer) => {
        this.#write(now, writer, seq, entry, DATA_REPAIR | DATA_ACK_NOW);
        context.counters.repairsSent++;
      });
    } else {
      this.#owePoll();
    }
    this.#waitUntil(now, 0, true);
  }

  #owePoll(): void {
    this.pollDue = true;
    this.stream.session(this.peer).owe(this);
  }

  /** The receiver was heard after it had been silent: ask it at once where it is. */
  onHeard(now: number): void {
    if (!this.outstanding) return;
    this.backoff = Math.min(this.backoff, SILENT_TRIES - 1); // the next ones come soon, should this one be lost
    if (now - this.#probedAt < this.peer.roundTrip.srttMs) return;
    this.#probedAt = now;
    this.#owePoll();
    this.#waitUntil(now, 0, true);
  }

  /** Bytes that nobody answers for must not fill the node's window. */
  #uncountAll(): void {
    const flight = this.#flight;
    if (flight === undefined) return;
    for (let seq = serialAdd(this.base, 1); seq !== this.next; seq = serialAdd(seq, 1)) this.#uncount(flight, seq);
  }

  #uncount(flight: Flight, seq: number): number {
    const slot = flight.slot(seq);
    if ((flight.state[slot]! & COUNTED) === 0) return 0;
    flight.state[slot]! &= ~COUNTED;
    this.stream.context.window.onRemove(flight.bytes[slot]!);
    return flight.bytes[slot]!;
  }

  #slotState(seq: number): number {
    return this.#flight === undefined ? 0 : this.#flight.state[this.#flight.slot(seq)]!;
  }

  #oldestUnacked(): number {
    for (let seq = serialAdd(this.base, 1); seq !== this.next; seq = serialAdd(seq, 1)) {
      if ((this.#slotState(seq) & ACKED) === 0) return seq;
    }
    return -1;
  }

  // ---- STATUS

  /** @returns false when it acknowledges what was never published: nothing changes. */
  onStatus(now: number, status: Status, view: DataView): boolean {
    if (status.flags & STATUS_NEED_START) return this.#restart(now);
    const logNext = this.stream.log.next;
    if (serialDiff(status.cumulative, logNext) >= 0 || serialDiff(status.high, logNext) >= 0) return false;
    // A restart that crossed with an answer: it has more than we remember to have sent, and says so itself.
    if (serialDiff(status.high, this.next) >= 0) this.next = serialAdd(status.high, 1);
    const { context } = this.stream;
    if (status.flags & STATUS_ECHO) {
      const rttMs = (now - status.echoTimestamp) | 0;
      this.peer.roundTrip.onSample(now, rttMs);
      if (rttMs >= 0) context.window.onSample(now, rttMs - this.peer.roundTrip.minMs);
    }
    // It may still hold an earlier life of this stream, from before we or it left the group: then it has to learn the start.
    if (!this.started && serialDiff(status.cumulative, this.base) < 0) this.cumulative = status.cumulative;
    this.started = true;
    this.heardAt = now;
    this.window = Math.min(RECEIVE_WINDOW, status.window);
    const ackedBytes = this.#acknowledge(status, view);
    const probed = this.backoff > 0;
    this.backoff = 0;
    const requestHigh = serialDiff(status.nackHigh, serialAdd(this.next, -1)) > 0 ? serialAdd(this.next, -1) : status.nackHigh;
    if (serialDiff(requestHigh, status.cumulative) > 0) this.#request(now, requestHigh, status.tries);
    if (probed) this.#repairBefore(now, this.#probedAt);
    context.window.onAck(ackedBytes);
    if (serialDiff(status.high, this.#ackNowSeq) >= 0) this.#askedAt = -Infinity;
    // It asks for what was before its start, or has been let go: tell it where the stream begins now.
    if (serialDiff(this.base, status.cumulative) > 0 && serialDiff(status.nackHigh, status.cumulative) > 0) this.#owePoll();
    this.#settle(now, status.high);
    this.stream.onProgress(now, this);
    return true;
  }

  #acknowledge(status: Status, view: DataView): number {
    const flight = this.#flight;
    let ackedBytes = 0;
    if (serialDiff(status.cumulative, this.cumulative) > 0) {
      this.cumulative = status.cumulative;
      ackedBytes = this.#evictedBytes;
      this.#evictedBytes = 0;
    }
    if (serialDiff(this.cumulative, this.base) > 0) ackedBytes += this.#advanceBase(this.cumulative);
    if (flight === undefined) return ackedBytes;
    const first = serialAdd(status.cumulative, 2);
    for (let i = 0; i < status.bitmapLength * 8; i++) {
      if ((view.getUint8(status.bitmapAt + (i >> 3)) & (0x80 >> (i & 7))) === 0) continue;
      const seq = serialAdd(first, i);
      if (serialDiff(seq, this.base) <= 0) continue;
      if (serialDiff(seq, this.next) >= 0) break;
      ackedBytes += this.#uncount(flight, seq);
      flight.state[flight.slot(seq)]! |= ACKED;
    }
    return ackedBytes;
  }

  #advanceBase(to: number): number {
    const flight = this.#flight;
    let bytes = 0;
    if (flight !== undefined) {
      const end = serialDiff(to, this.next) >= 0 ? serialAdd(this.next, -1) : to;
      for (let seq = this.base; seq !== end && serialDiff(end, seq) > 0; ) {
        seq = serialAdd(seq, 1);
        bytes += this.#uncount(flight, seq);
        flight.clear(seq);
      }
    }
    this.base = to;
    return bytes;
  }

  /** Holes up to `high` are asked for. */
  #request(now: number, high: number, tries: number): void {
    const { context } = this.stream;
    const holdMs = this.#holdMs;
    for (let seq = serialAdd(this.base, 1); serialDiff(seq, high) <= 0; seq = serialAdd(seq, 1)) {
      const state = this.#slotState(seq);
      if (state & (ACKED | QUEUED)) continue;
      context.counters.requestsIn++;
      if (this.#sinceSent(now, seq) < holdMs) {
        context.counters.holdDowns++;
        continue;
      }
      this.#queueRepair(seq);
      if (context.options.escalate && tries >= ESCALATE_TRIES) this.#copyLater(now, seq);
    }
  }

  /** A probe was answered: what had been sent before it and is still missing is lost. */
  #repairBefore(now: number, sentBefore: number): void {
    const flight = this.#flight;
    if (flight === undefined) return;
    for (let seq = serialAdd(this.base, 1); seq !== this.next; seq = serialAdd(seq, 1)) {
      const slot = flight.slot(seq);
      if (flight.state[slot]! & (ACKED | QUEUED)) continue;
      if (((flight.sentAt[slot]! - sentBefore) | 0) < 0 && this.#sinceSent(now, seq) >= this.#holdMs) this.#queueRepair(seq);
    }
  }

  #queueRepair(seq: number): void {
    const flight = (this.#flight ??= this.stream.context.flights.take());
    this.#uncount(flight, seq);
    flight.state[flight.slot(seq)]! |= QUEUED;
    this.#repairs.push(seq);
    this.stream.context.scheduler.readyRepair(this);
  }

  #unqueue(seq: number): void {
    const flight = this.#flight;
    if (flight !== undefined) flight.state[flight.slot(seq)]! &= ~QUEUED;
  }

  /** Asked for again and again: a second copy 0.2 round trips after the first halves the chance of another round. */
  #copyLater(now: number, seq: number): void {
    const { context } = this.stream;
    const delayMs = Math.round(0.2 * this.peer.roundTrip.srttMs);
    const onAlarm = (): void => {
      if (!this.closed && this.#due(seq) && (this.#slotState(seq) & QUEUED) === 0) this.#queueRepair(seq);
    };
    context.alarms.set({ alarmAt: Infinity, alarmIndex: -1, alarmOrder: 0, onAlarm }, now + delayMs + 1);
  }

  /** `srm` mode: somebody asked the group for it; whoever has not acknowledged it gets it. */
  repairForGroup(now: number, seq: number): void {
    if (!this.#due(seq) || serialDiff(seq, this.next) >= 0 || this.#slotState(seq) & QUEUED) return;
    if (this.#sinceSent(now, seq) >= this.#holdMs) this.#queueRepair(seq);
  }

  /** The receiver has no state of this stream (it left and came back): begin again after what it had acknowledged. */
  #restart(now: number): boolean {
    if (!this.started && now - this.#sentAt < this.#holdMs) return true; // START is on its way already
    this.#uncountAll();
    this.#release();
    this.started = false;
    this.start = this.next = serialAdd(this.base, 1);
    this.cumulative = this.base;
    this.backoff = 0;
    this.stream.context.alarms.cancel(this);
    this.stream.context.scheduler.ready(this);
    return true;
  }

  /** Sets the probe timeout for what is still outstanding; with nothing outstanding, lets the flight go. */
  #settle(now: number, high: number): void {
    const { alarms, scheduler } = this.stream.context;
    if (!this.outstanding) {
      alarms.cancel(this);
      this.#release();
    } else {
      const asked = serialDiff(this.#ackNowSeq, high) > 0;
      this.#waitUntil(now, asked ? 0 : ACK_DELAY_MS, true);
    }
    if (this.hasNew) scheduler.ready(this);
  }

  #release(): void {
    if (this.#flight !== undefined) this.stream.context.flights.give(this.#flight);
    this.#flight = undefined;
    this.#repairs.length = 0;
  }

  close(): void {
    this.closed = true;
    this.#uncountAll();
    this.#release();
    this.next = this.base = this.cumulative;
    this.stream.context.alarms.cancel(this);
  }
}
