/**
 * STATUS of one stream that we receive: what has come, what is asked for, and an echo of the source's clock, from which
 * it learns the round trip.
 */
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import type { Peer } from '../broadcast/peer.ts';
import { FRAME_STATUS } from '../wire/frame.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import {
  encodeStatus, Status, STATUS_BITMAP_MAX, STATUS_ECHO, STATUS_LENGTH, STATUS_NEED_START, STATUS_PRIVATE,
} from '../wire/status.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { Holes } from './holes.ts';
import { RECEIVE_WINDOW } from './options.ts';
import type { ReorderBuffer } from './reorder-buffer.ts';

/** What STATUS tells of a stream. */
export interface StreamState {
  readonly group: Group;
  readonly peer: Peer;
  readonly addressed: boolean;
  readonly started: boolean;
  readonly cumulative: number;
  readonly high: number;
}

/** Filled anew for each frame. */
const status = new Status();

export class StatusWriter {
  /** When the last STATUS was written. */
  sentAt = -Infinity;
  readonly #context: Context;
  readonly #stream: StreamState;
  readonly #life: number;
  readonly #holes: Holes;
  readonly #reorder: ReorderBuffer;
  /** Timestamp of the newest datagram with word of this stream, and when it came; -1: none yet. */
  #echoTimestamp = 0;
  #echoAt = -1;
  /** By which way it came: a round trip is there and back by one. */
  #echoBy: Peer | undefined;

  constructor(context: Context, stream: StreamState, holes: Holes, reorder: ReorderBuffer) {
    this.#context = context;
    this.#stream = stream;
    this.#life = stream.group.life;
    this.#holes = holes;
    this.#reorder = reorder;
  }

  /** The datagram being read has word of this stream. */
  onSourceWord(now: number): void {
    this.#echoTimestamp = this.#context.broadcast.header.timestamp;
    this.#echoAt = now;
    this.#echoBy = this.#context.broadcast.from;
  }

  /** Appends STATUS with requests for all holes that are due. @returns false when it does not fit. */
  write(now: number, writer: DatagramWriter): boolean {
    const stream = this.#stream;
    const { group, peer, high } = stream;
    const span = stream.started ? Math.max(0, serialDiff(high, stream.cumulative) - 1) : 0;
    const bitmapLength = Math.min(STATUS_BITMAP_MAX, Math.ceil(span / 8));
    if (writer.room < STATUS_LENGTH + bitmapLength) return false;
    status.flags = (stream.addressed ? STATUS_PRIVATE : 0) | (stream.started ? 0 : STATUS_NEED_START);
    if (this.#echoAt >= 0 && this.#echoBy === peer.way) {
      status.flags |= STATUS_ECHO;
      status.echoTimestamp = (this.#echoTimestamp + (now - this.#echoAt)) >>> 0;
    }
    status.groupHigh = group.idHigh;
    status.groupLow = group.idLow;
    status.epochLow = peer.epoch & 0xffff;
    status.cumulative = stream.cumulative;
    status.high = high;
    status.window = RECEIVE_WINDOW;
    status.life = this.#life;
    this.#holes.ask(now, status);
    const bitmapAt = encodeStatus(writer.view, writer.bodyAt, status);
    this.#reorder.writeBitmap(writer.bytes, bitmapAt, bitmapLength, serialAdd(stream.cumulative, 2));
    writer.close(FRAME_STATUS, status.flags, bitmapAt + bitmapLength);
    this.#context.counters.statusSent++;
    this.sentAt = now;
    return true;
  }
}
