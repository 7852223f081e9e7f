/**
 * From packets to messages: joins FIRST … LAST, hands messages to the application in the order of the group's class,
 * and turns what is missing into explicit gaps, so that deliveries and gaps tile the stream exactly.
 */
import type { Peer } from '../broadcast/peer.ts';
import { DATA_FIRST, DATA_LAST } from '../wire/data.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { GapReason } from './node-output.ts';
import { MESSAGE_BYTES_MAX } from './options.ts';
import type { ReorderBuffer } from './reorder-buffer.ts';
import { KEPT_OVERHEAD_BYTES } from './reorder-budget.ts';

export interface Packet {
  payload: Uint8Array;
  flags: number;
  /** Unordered class: its message has been handed over already. */
  delivered: boolean;
}

export class Delivery {
  readonly #context: Context;
  readonly #group: Group;
  readonly #peer: Peer;
  readonly #addressed: boolean;
  /** Fragments of the message being joined. */
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #partsFrom = 0;
  /** A gap that is still growing: its first number and reason. */
  #gapFrom = -1;
  #gapReason: GapReason = 'evicted';

  constructor(context: Context, group: Group, peer: Peer, addressed: boolean) {
    this.#context = context;
    this.#group = group;
    this.#peer = peer;
    this.#addressed = addressed;
  }

  /** What has come of the message being joined. */
  get parts(): Packet[] {
    return this.#parts.map((payload, index) => ({ payload, flags: index === 0 ? DATA_FIRST : 0, delivered: false }));
  }

  /** Memory for the message being joined. */
  get keptBytes(): number {
    return this.#partsBytes + this.#parts.length * KEPT_OVERHEAD_BYTES;
  }

  begin(start: number): void {
    this.#partsFrom = start;
  }

  /** The next packet in order. */
  next(seq: number, packet: Packet): void {
    if (packet.flags & DATA_FIRST) {
      this.#dropParts();
      this.#closeGap(serialAdd(seq, -1));
      this.#partsFrom = seq;
    } else if (!packet.delivered && (this.#gapFrom >= 0 || this.#parts.length === 0)) {
      // The rest of a message whose beginning is missing belongs to the gap.
      this.#openGap(seq, this.#gapReason);
      if (packet.flags & DATA_LAST) this.#closeGap(seq);
      return;
    }
    if (packet.delivered) return;
    this.#parts.push(packet.payload);
    this.#partsBytes += packet.payload.length;
    if (this.#partsBytes > MESSAGE_BYTES_MAX) this.#dropParts();
    else if (packet.flags & DATA_LAST) this.#deliver(this.#partsFrom, this.takeParts());
  }

  /** Packets from … to will never come. */
  missing(from: number, to: number, reason: GapReason): void {
    this.#openGap(this.#parts.length > 0 ? this.#partsFrom : from, reason);
    this.#dropParts();
    // What follows is known to be a beginning only when it comes; a gap up to the edge is told now.
    this.#closeGap(to);
    this.#gapReason = reason;
  }

  /** Nothing comes after `last` for now: the beginning of an unfinished message is a gap. */
  end(last: number, reason: GapReason): void {
    if (this.#parts.length > 0) this.#openGap(this.#partsFrom, reason);
    this.#dropParts();
    this.#closeGap(last);
  }

  /** Unordered class: delivers the message around `seq` if all of it is here. */
  early(seq: number, reorder: ReorderBuffer): void {
    const { packets } = reorder;
    let first = seq;
    while (packets.has(first) && !(packets.get(first)!.flags & DATA_FIRST)) first = serialAdd(first, -1);
    const parts: Packet[] = [];
    let bytes = 0;
    for (let at = first; ; at = serialAdd(at, 1)) {
      const packet = packets.get(at);
      // Where another message was whole, this one has no end, or no beginning.
      if (packet === undefined || packet.delivered) return;
      parts.push(packet);
      bytes += packet.payload.length;
      if (packet.flags & DATA_LAST) break;
    }
    if (bytes > MESSAGE_BYTES_MAX) return;
    const payloads = parts.map((part) => part.payload);
    for (const part of parts) reorder.strip(part);
    this.#deliver(first, payloads);
  }

  #deliver(seq: number, parts: Uint8Array[]): void {
    let data = parts[0]!;
    if (parts.length > 1) {
      data = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
      let at = 0;
      for (const part of parts) {
        data.set(part, at);
        at += part.length;
      }
    }
    this.#context.counters.messagesDelivered++;
    this.#context.output.message(this.#group, this.#peer.id, this.#peer.epoch, seq, data, this.#addressed);
  }

  takeParts(): Uint8Array[] {
    const parts = this.#parts;
    this.#parts = [];
    this.#partsBytes = 0;
    return parts;
  }

  #dropParts(): void {
    if (this.takeParts().length > 0) this.#openGap(this.#partsFrom, 'overflow');
  }

  #openGap(from: number, reason: GapReason): void {
    if (this.#gapFrom >= 0) return;
    this.#gapFrom = from;
    this.#gapReason = reason;
  }

  #closeGap(to: number): void {
    if (this.#gapFrom < 0) return;
    const from = this.#gapFrom;
    this.#gapFrom = -1;
    if (serialDiff(to, from) < 0) return;
    this.#context.counters.gaps++;
    this.#context.output.gap(this.#group, this.#peer.id, this.#peer.epoch, from, to, this.#gapReason, this.#addressed);
  }
}
