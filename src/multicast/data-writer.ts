/**
 * DATA, POLL and DGRAM of one cursor: START in each of the first two until the receiver has told that it knows it, and
 * ACK-NOW in DATA whenever word from the receiver is wanted soon.
 */
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import type { Peer } from '../broadcast/peer.ts';
import { DATA_ACK_NOW, DATA_LENGTH, DATA_PRIVATE, DATA_REPAIR, DATA_START, START_LENGTH } from '../wire/data.ts';
import { FRAME_DATA, FRAME_DGRAM, FRAME_HEADER_LENGTH, FRAME_POLL } from '../wire/frame.ts';
import { POLL_LENGTH } from '../wire/poll.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Outstanding } from './outstanding.ts';
import type { LogEntry } from './send-log.ts';
import type { SendStream } from './send-stream.ts';

/** A datagram's cost on the link beside its frames: our header 12, IPv6 and UDP 48, the mesh's envelope about 100. */
const DATAGRAM_OVERHEAD_BYTES = 160;
/** After so long without sending, the next packet asks for an acknowledgement at once. */
const IDLE_MS = 250;
/** The loss estimate looks back over so many packets, the recent half counting most. */
const LOSS_SAMPLE_MAX = 256;

export class DataWriter {
  /** First sequence number meant for this receiver; repeated to it until its first STATUS. */
  start: number;
  started = false;
  /** When START went last. */
  startSentAt = -Infinity;
  /** Of the receiver: what it says of another is not about this cursor. */
  readonly life: number;
  sentAt = -Infinity;
  readonly #stream: SendStream;
  readonly #peer: Peer;
  readonly #sent: Outstanding;
  /** The newest packet that asked for an acknowledgement at once. */
  #ackNowSeq: number;
  /** When it went, while it is unanswered; -Infinity: none is open. */
  #askedAt = -Infinity;

  constructor(stream: SendStream, peer: Peer, sent: Outstanding, start: number) {
    this.#stream = stream;
    this.#peer = peer;
    this.#sent = sent;
    this.start = start;
    this.life = peer.subscriptions.get(stream.group.key)?.life ?? 0;
    this.#ackNowSeq = serialAdd(start, -1);
  }

  /** Oldest packet that this receiver can still get. */
  get #low(): number {
    const sent = this.#sent;
    return serialDiff(sent.base, sent.cumulative) > 0 ? serialAdd(sent.base, 1) : this.#stream.log.low;
  }

  /** Whether DATA with this payload has room. */
  fits(writer: DatagramWriter, entry: LogEntry): boolean {
    return writer.room >= DATA_LENGTH + START_LENGTH + entry.payload.length;
  }

  /** Appends DGRAM: of which no word comes back. */
  writeDatagram(now: number, writer: DatagramWriter, { flags, payload }: LogEntry): void {
    const { counters, window } = this.#stream.context;
    const size = FRAME_HEADER_LENGTH + payload.length + (writer.empty ? DATAGRAM_OVERHEAD_BYTES : 0);
    writer.bytes.set(payload, writer.bodyAt);
    writer.close(FRAME_DGRAM, flags, writer.bodyAt + payload.length);
    window.onSend(now, size, false);
    this.#sent.leaveLater(now, size);
    this.#peer.paceBytes -= size;
    counters.datagramsSent++;
  }

  /** Appends DATA. @returns whether it asks for an acknowledgement at once. */
  writeData(now: number, writer: DatagramWriter, seq: number, entry: LogEntry, extraFlags: number): boolean {
    const { addressed, group } = this.#stream;
    const ackNow = (extraFlags & DATA_ACK_NOW) !== 0 || this.#wantsAck(now);
    const overhead = FRAME_HEADER_LENGTH + DATA_LENGTH + (writer.empty ? DATAGRAM_OVERHEAD_BYTES : 0);
    const start = this.started ? 0 : DATA_START;
    const flags = entry.flags | extraFlags | start | (ackNow ? DATA_ACK_NOW : 0) | (addressed ? DATA_PRIVATE : 0);
    const { view, bodyAt } = writer;
    view.setUint32(bodyAt, group.idHigh);
    view.setUint32(bodyAt + 4, group.idLow);
    view.setUint32(bodyAt + 8, seq);
    view.setUint16(bodyAt + 12, Math.max(0, Math.min(65535, serialDiff(seq, this.#low))));
    view.setUint16(bodyAt + 14, Math.min(65535, now - entry.publishedAt));
    const payloadAt = this.#writeStart(now, view, bodyAt + DATA_LENGTH);
    writer.bytes.set(entry.payload, payloadAt);
    writer.close(FRAME_DATA, flags, payloadAt + entry.payload.length);
    if (ackNow) {
      this.#askedAt = now;
      if (serialDiff(seq, this.#ackNowSeq) > 0) this.#ackNowSeq = seq;
    }
    this.#onWritten(now, seq, entry.payload.length + overhead, (extraFlags & DATA_REPAIR) !== 0);
    return ackNow;
  }

  /** @returns the offset behind it. */
  #writeStart(now: number, view: DataView, at: number): number {
    if (this.started) return at;
    view.setUint32(at, this.start);
    view.setUint8(at + 4, this.life);
    this.startSentAt = now;
    return at + START_LENGTH;
  }

  /** Nothing was sent for a while, or the node's window waits for word and nobody was asked within a round trip. */
  #wantsAck(now: number): boolean {
    const { context, playoutMs } = this.#stream;
    const { srttMs } = this.#peer.roundTrip;
    if (now - this.sentAt > Math.max(IDLE_MS, 1.5 * srttMs)) return true;
    const askAgainMs = srttMs * (context.window.growing ? (playoutMs > 0 ? 0 : 0.3) : 1);
    return context.window.pressed && now - this.#askedAt > askAgainMs;
  }

  #onWritten(now: number, seq: number, size: number, repair: boolean): void {
    const { counters } = this.#stream.context;
    const peer = this.#peer;
    this.#sent.onSent(now, seq, size, repair);
    counters.dataSent++;
    counters.dataBytesSent += size;
    if (repair) peer.lostCount++;
    if (++peer.sentCount >= LOSS_SAMPLE_MAX) {
      peer.sentCount >>= 1;
      peer.lostCount >>= 1;
    }
    peer.paceBytes -= size;
    this.sentAt = now;
  }

  /** Appends POLL; `low`: the oldest served, 0: as the log has it. @returns false when it does not fit. */
  writePoll(now: number, writer: DatagramWriter, low: number): boolean {
    if (writer.room < POLL_LENGTH + START_LENGTH) return false;
    const { addressed, context, group } = this.#stream;
    const { view, bodyAt } = writer;
    const start = this.started ? 0 : DATA_START;
    view.setUint32(bodyAt, group.idHigh);
    view.setUint32(bodyAt + 4, group.idLow);
    view.setUint32(bodyAt + 8, serialAdd(this.#sent.next, -1));
    view.setUint32(bodyAt + 12, low || this.#low);
    writer.close(FRAME_POLL, start | (addressed ? DATA_PRIVATE : 0), this.#writeStart(now, view, bodyAt + POLL_LENGTH));
    context.counters.pollsSent++;
    return true;
  }

  /** The receiver knows of all up to `high`. @returns whether an acknowledgement we asked for is still to come. */
  onHigh(high: number): boolean {
    const open = serialDiff(this.#ackNowSeq, high) > 0;
    if (!open) this.#askedAt = -Infinity;
    return open;
  }
}
