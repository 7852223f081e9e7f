/** Packets of one stream that came before one that is missing. */
import { serialDiff } from '../wire/serial.ts';
import type { Packet } from './delivery.ts';

const NOTHING = new Uint8Array(0);

export class ReorderBuffer {
  readonly packets = new Map<number, Packet>();
  /** Their payload. */
  bytes = 0;

  keep(seq: number, packet: Packet): void {
    this.packets.set(seq, packet);
    this.bytes += packet.payload.length;
  }

  /** Removes a packet and returns it. */
  take(seq: number): Packet | undefined {
    const packet = this.packets.get(seq);
    if (packet === undefined) return undefined;
    this.packets.delete(seq);
    this.bytes -= packet.payload.length;
    return packet;
  }

  /** Its message has been handed over: only that is to be remembered. */
  strip(packet: Packet): void {
    this.bytes -= packet.payload.length;
    packet.payload = NOTHING;
    packet.delivered = true;
  }

  /** @returns how many of the numbers beginning with `from` are not here, `max` at most. */
  missingRun(from: number, max: number): number {
    let nearest = max;
    for (const seq of this.packets.keys()) {
      const offset = serialDiff(seq, from);
      if (offset >= 0 && offset < nearest) nearest = offset;
    }
    return nearest;
  }

  /** Writes `length` bytes of bitmap: bit i, most significant first, tells whether `first` + i is here. */
  writeBitmap(bytes: Uint8Array, at: number, length: number, first: number): void {
    bytes.fill(0, at, at + length);
    for (const seq of this.packets.keys()) {
      const bit = serialDiff(seq, first);
      if (bit < length * 8) bytes[at + (bit >> 3)]! |= 0x80 >> (bit & 7);
    }
  }

  clear(): void {
    this.bytes = 0;
    this.packets.clear();
  }
}
