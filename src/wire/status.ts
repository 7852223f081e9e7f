/**
 * STATUS: a receiver's word on one stream, ACK and NACK in one (RFC 5740's NORM_ACK and NORM_NACK; SRM's repair
 * request).
 *   0  8  group id
 *   8  2  low half of the source's epoch
 *  10  4  cumulative: all up to and including it have arrived or are given up
 *  14  4  nack high: missing ones up to here are asked for; = cumulative: no request
 *  18  4  high: highest sequence number seen
 *  22  2  receive window: packets past `cumulative` that are taken
 *  24  1  tries: how often the oldest hole was asked for
 *  25  1  life: of the receiver in this group, as its SUBS has it
 *  26  4  with ECHO: header timestamp of the newest datagram with DATA or POLL of this stream, plus the ms since then
 *  30  …  bitmap, at most 128 bytes: bit i (most significant first) = cumulative + 2 + i has arrived
 */
export const STATUS_PRIVATE = 32; // the same bit as DATA_PRIVATE
export const STATUS_ECHO = 2; // the echo timestamp gives a round-trip sample
export const STATUS_NEED_START = 1; // we hold no state of this stream: say where it starts for us

export const STATUS_LENGTH = 30;
export const STATUS_BITMAP_MAX = 128;

export class Status {
  flags = 0;
  groupHigh = 0;
  groupLow = 0;
  epochLow = 0;
  cumulative = 0;
  nackHigh = 0;
  high = 0;
  window = 0;
  tries = 0;
  life = 0;
  echoTimestamp = 0;
  bitmapAt = 0;
  bitmapLength = 0;
}

export function encodeStatus(view: DataView, at: number, status: Status): number {
  view.setUint32(at, status.groupHigh);
  view.setUint32(at + 4, status.groupLow);
  view.setUint16(at + 8, status.epochLow);
  view.setUint32(at + 10, status.cumulative);
  view.setUint32(at + 14, status.nackHigh);
  view.setUint32(at + 18, status.high);
  view.setUint16(at + 22, status.window);
  view.setUint8(at + 24, status.tries);
  view.setUint8(at + 25, status.life);
  view.setUint32(at + 26, status.echoTimestamp);
  return at + STATUS_LENGTH;
}

export function decodeStatus(view: DataView, at: number, length: number, flags: number, status: Status): boolean {
  if (length < STATUS_LENGTH) return false;
  status.flags = flags;
  status.groupHigh = view.getUint32(at);
  status.groupLow = view.getUint32(at + 4);
  status.epochLow = view.getUint16(at + 8);
  status.cumulative = view.getUint32(at + 10);
  status.nackHigh = view.getUint32(at + 14);
  status.high = view.getUint32(at + 18);
  status.window = view.getUint16(at + 22);
  status.tries = view.getUint8(at + 24);
  status.life = view.getUint8(at + 25);
  status.echoTimestamp = view.getUint32(at + 26);
  status.bitmapAt = at + STATUS_LENGTH;
  status.bitmapLength = Math.min(length - STATUS_LENGTH, STATUS_BITMAP_MAX);
  return true;
}
