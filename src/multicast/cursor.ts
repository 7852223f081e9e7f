/**
 * One receiver's place in one of our streams. First send, repair, late join and catch-up after a partition are the same
 * operation: moving this cursor over the log.
 *
 *    log.low         base            next             log.next
 *       |   history   |  outstanding  |   not yet sent   |
 *
 * STATUS moves it and asks for repairs (repair-queue.ts); when none comes, the probe timeout (PTO) asks: with the
 * oldest packet itself while it is small, with POLL otherwise.
 */
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import { ALIVE, type Peer } from '../broadcast/peer.ts';
import { DATA_ACK_NOW, DATA_REPAIR } from '../wire/data.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import { type Status, STATUS_ECHO, STATUS_NEED_START } from '../wire/status.ts';
import { DataWriter } from './data-writer.ts';
import { ACK_DELAY_MS, RECEIVE_WINDOW } from './options.ts';
import { Outstanding } from './outstanding.ts';
import { type ProbeSender, ProbeTimeout } from './probe-timeout.ts';
import { RepairQueue, type RepairSender } from './repair-queue.ts';
import { ENTRY_OVERHEAD_BYTES, type LogEntry } from './send-log.ts';
import type { SendStream } from './send-stream.ts';

/** Up to this size the probe is the packet itself: a 40 B POLL saves bytes but costs one more round trip on a loss. */
const PROBE_PAYLOAD_MAX = 400;
const PROBE_DATA_TRIES = 5;
const DATAGRAMS_MAX = 64;
/** `srm` mode: the group's requests and session messages come first, our own probe only after them. */
const SRM_PATIENCE_MS = 2_500;

export class Cursor implements ProbeSender, RepairSender {
  readonly stream: SendStream;
  readonly peer: Peer;
  /** When the receiver last said something of this stream. */
  heardAt = -Infinity;
  /** In a queue of the scheduler. */
  queued = false;
  repairQueued = false;
  /** The peer left, restarted or was forgotten: queues may still name this cursor. */
  closed = false;
  readonly #sent: Outstanding;
  readonly #data: DataWriter;
  readonly #repairs: RepairQueue;
  readonly #timeout: ProbeTimeout;
  /** DGRAM frames that wait for their turn. */
  readonly #datagrams: LogEntry[] = [];
  #window = RECEIVE_WINDOW;
  #pollDue = false;
  /** It asks for what it has acknowledged, which is served from here on; 0: it does not. */
  #refusedBelow = 0;
  #evictionToldAt = -Infinity;

  constructor(stream: SendStream, peer: Peer, start: number) {
    const { context } = stream;
    this.stream = stream;
    this.peer = peer;
    const patienceMs = stream.group.srm && !stream.addressed ? SRM_PATIENCE_MS : 0;
    this.#sent = new Outstanding(context, peer, start);
    this.#data = new DataWriter(stream, peer, this.#sent, start);
    this.#repairs = new RepairQueue(context, peer, this.#sent, this);
    this.#timeout = new ProbeTimeout(context, peer, this.#sent, patienceMs, this);
  }

  /** First sequence number meant for this receiver. */
  get start(): number {
    return this.#data.start;
  }
  get life(): number {
    return this.#data.life;
  }
  /** All up to it are acknowledged, or let go. */
  get base(): number {
    return this.#sent.base;
  }
  /** First one not yet sent. */
  get next(): number {
    return this.#sent.next;
  }
  get outstanding(): boolean {
    return this.#sent.any;
  }
  /** The receiver has all, or has been told what it will not get. */
  get drained(): boolean {
    return !this.outstanding && this.next === this.stream.log.next;
  }
  get silent(): boolean {
    return this.#timeout.silent;
  }
  get hasRepairs(): boolean {
    return this.#repairs.any;
  }
  get hasNew(): boolean {
    return this.#datagrams.length > 0 || this.#hasData;
  }
  get #hasData(): boolean {
    const { base, next } = this.#sent;
    return next !== this.stream.log.next && serialDiff(next, base) <= this.#window && !this.#timeout.silent;
  }
  get hasWork(): boolean {
    return !this.closed && this.peer.reach === ALIVE && (this.#repairs.any || this.hasNew);
  }

  get queuedBytes(): number {
    const { log } = this.stream;
    const first = serialAdd(this.base, 1);
    return log.bytesFrom(first) - ENTRY_OVERHEAD_BYTES * serialDiff(log.next, first);
  }

  // ---- sending

  /** DGRAM goes when DATA could, once; the newest is dropped when too many wait. */
  sendDatagram(entry: LogEntry): void {
    if (this.#datagrams.length >= DATAGRAMS_MAX) this.stream.context.counters.datagramsDropped++;
    else this.#datagrams.push(entry);
    this.stream.context.scheduler.ready(this);
  }

  /** Appends DATA while it fits. @returns false when the node's window stopped it. */
  fill(now: number, writer: DatagramWriter): boolean {
    const { log, context } = this.stream;
    const sent = this.#sent;
    while (this.#repairs.any) {
      const seq = this.#repairs.first;
      const entry = sent.lacks(seq) ? log.at(seq) : undefined;
      if (entry !== undefined && !this.#tooLate(now, entry)) {
        const stop = this.#stop(writer, entry);
        if (stop !== undefined) return stop;
        this.#write(now, writer, seq, entry, DATA_REPAIR);
        context.counters.repairsSent++;
      }
      this.#repairs.shift();
    }
    while (this.#datagrams.length > 0) {
      const entry = this.#datagrams[0]!;
      const stop = this.#stop(writer, entry);
      if (stop !== undefined) return stop;
      this.#data.writeDatagram(now, writer, entry);
      this.#datagrams.shift();
    }
    while (this.#hasData) {
      const entry = log.at(sent.next)!;
      if (!this.#tooLate(now, entry)) {
        const stop = this.#stop(writer, entry);
        if (stop !== undefined) return stop;
        this.#write(now, writer, sent.next, entry, 0);
      } else {
        this.#timeout.start(now, 0); // never sent, so POLL has to tell of it
      }
      sent.onNext();
    }
    return true;
  }

  /** @returns true: the datagram is full; false: the window is; undefined: it can go. */
  #stop(writer: DatagramWriter, entry: LogEntry): boolean | undefined {
    if (!this.#data.fits(writer, entry)) return true;
    return this.stream.context.window.admits(entry.payload.length) ? undefined : false;
  }

  /** Timely class: it could not arrive before its deadline. */
  #tooLate(now: number, entry: LogEntry): boolean {
    const playoutMs = this.stream.playoutMs;
    return playoutMs > 0 && now - entry.publishedAt + this.peer.roundTrip.minMs / 2 > playoutMs;
  }

  #write(now: number, writer: DatagramWriter, seq: number, entry: LogEntry, extraFlags: number): void {
    if (this.#data.writeData(now, writer, seq, entry, extraFlags)) this.#timeout.start(now, 0);
    else if (!this.#timeout.running) this.#timeout.start(now, ACK_DELAY_MS);
  }

  #owePoll(): void {
    this.#pollDue = true;
    this.stream.session(this.peer).owe(this);
  }

  /** Writes POLL when it is owed. @returns false when it does not fit. */
  writePoll(now: number, writer: DatagramWriter): boolean {
    if (this.#pollDue && !this.#data.writePoll(now, writer, this.#refusedBelow)) return false;
    this.#pollDue = false;
    this.#refusedBelow = 0;
    return true;
  }

  onProbeDue(now: number, seq: number): void {
    const { context, log } = this.stream;
    this.#sent.uncountAll();
    this.stream.expire(now);
    if (this.#timeout.tries > 0) context.broadcast.suspect(now, this.peer, this.#timeout.probedAt);
    this.#timeout.onProbe(now);
    this.stream.session(this.peer).waiting ||= this.silent;
    context.counters.tailProbesSent++;
    const entry = seq < 0 ? undefined : log.at(seq);
    const small = entry !== undefined && entry.payload.length <= PROBE_PAYLOAD_MAX;
    if (small && this.#timeout.tries <= PROBE_DATA_TRIES && !this.#tooLate(now, entry)) {
      this.stream.sendNow(now, this, (writer) => {
        this.#write(now, writer, seq, entry, DATA_REPAIR | DATA_ACK_NOW);
        context.counters.repairsSent++;
      });
    } else {
      this.#owePoll();
    }
    this.#timeout.restart(now, 0);
  }

  onRepairQueued(): void {
    this.stream.context.scheduler.readyRepair(this);
  }

  // ---- what the log lets go

  /**
   * What is before `low` is let go, though this receiver still lacked some of it: every DATA and POLL tells it from now
   * on. Under the policy `evict` that is all there is.
   */
  onEvicted(now: number, low: number): void {
    this.#sent.onEvicted(low);
    // Once a round trip is enough; DATA tells it too.
    if (now - this.#evictionToldAt > this.peer.roundTrip.srttMs) {
      this.#evictionToldAt = now;
      this.#owePoll();
    }
    this.#timeout.start(now, 0);
  }

  // ---- what the receiver says

  /** The receiver was heard after it had been silent: ask it at once where it is. */
  onHeard(now: number): void {
    if (!this.outstanding || !this.#timeout.onHeard(now)) return;
    this.#owePoll();
    this.#timeout.restart(now, 0);
  }

  /** @returns false when it tells what cannot be: nothing changes. */
  onStatus(now: number, status: Status, view: DataView): boolean {
    if (status.flags & STATUS_NEED_START) return this.#restart(now, status);
    const { context, log } = this.stream;
    const sent = this.#sent;
    const ahead = serialDiff(status.high, status.cumulative);
    if (serialDiff(status.high, log.next) >= 0 || ahead < 0 || ahead > RECEIVE_WINDOW) return false;
    if (status.flags & STATUS_ECHO) {
      const rttMs = (now - status.echoTimestamp) | 0;
      // Of the way by which it came, be it the one that we use or not.
      const { ownRoundTrip } = context.broadcast.from ?? this.peer;
      if (ownRoundTrip.onSample(now, rttMs)) context.window.onSample(now, rttMs - ownRoundTrip.minMs);
    }
    // It still holds what it had of this stream before we left the group: it has to learn the start.
    if (!this.#data.started && serialDiff(status.cumulative, sent.base) < 0) sent.cumulative = status.cumulative;
    this.#data.started = true;
    this.heardAt = now;
    this.#pollDue = false; // this is the word that it would ask for
    // One at least: the one that asks whether there is room again.
    this.#window = Math.max(1, Math.min(RECEIVE_WINDOW, status.window));
    const ackedBytes = sent.onStatus(status, view);
    const probed = this.#timeout.tries > 0;
    this.#timeout.tries = 0;
    const last = serialAdd(sent.next, -1);
    const requestHigh = serialDiff(status.nackHigh, last) > 0 ? last : status.nackHigh;
    if (serialDiff(requestHigh, status.cumulative) > 0) this.#repairs.onRequest(now, requestHigh, status.tries);
    if (probed) this.#repairs.onProbeAnswered(now, this.#timeout.probedAt);
    context.window.onAck(now, ackedBytes, this.peer.roundTrip.minMs);
    const asked = this.#data.onHigh(status.high);
    // It asks for what was before its start, or has been let go: tell it where the stream begins now.
    const asks = serialDiff(status.nackHigh, status.cumulative) > 0;
    if (asks && serialDiff(sent.base, status.cumulative) > 0) {
      // By one of its ways it may have taken it under another name of ours: it does not get that again.
      if (this.peer.ways.length > 0) this.#refusedBelow = serialAdd(sent.base, 1);
      this.#owePoll();
    }
    this.#settle(now, asked);
    this.stream.onProgress(now, this);
    return true;
  }

  /** Sets the probe timeout for what is still outstanding, and lets the bookkeeping go when nothing is. */
  #settle(now: number, asked: boolean): void {
    if (this.outstanding) {
      this.#timeout.restart(now, asked ? 0 : ACK_DELAY_MS);
    } else {
      this.#timeout.stop();
      this.#release(now);
    }
    if (this.hasNew) this.stream.context.scheduler.ready(this);
  }

  /** The receiver has no state of this stream (it left and came back): begin again after what it had acknowledged. */
  #restart(now: number, status: Status): boolean {
    const data = this.#data;
    const sent = this.#sent;
    // START is on its way, or came after this was said: that answers what left so long ago.
    const saidMs = status.flags & STATUS_ECHO ? (now - status.echoTimestamp) | 0 : 0;
    if (now - data.startSentAt < Math.max(sent.holdMs, saidMs)) return true;
    this.#release(now);
    sent.restart();
    data.started = false;
    data.start = sent.next;
    this.#timeout.tries = 0;
    this.#timeout.stop();
    this.stream.context.scheduler.ready(this);
    return true;
  }

  /** `srm` mode: somebody asked the group for it. */
  repairForGroup(now: number, seq: number): void {
    this.#repairs.onGroupRequest(now, seq);
  }

  #release(now: number): void {
    this.#sent.release(now);
    this.#repairs.clear();
  }

  /** The receiver is stale or gone. */
  onAway(now: number): void {
    this.#sent.uncountLater(now);
    this.#datagrams.length = 0;
  }

  close(): void {
    this.closed = true;
    this.#release(this.stream.context.scheduler.now);
    this.#timeout.stop();
  }
}
