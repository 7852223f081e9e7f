/**
 * DGRAM: an unreliable message, at most once, no state at the sender.   0 8 group id · 8 4 counter · 12 … payload
 * Flag bit 32 (as in DATA): addressed to the receiver alone; counted apart.
 */
export const DGRAM_LENGTH = 12;
export const DGRAM_PAYLOAD_MAX = 1100;

export class Dgram {
  flags = 0;
  groupHigh = 0;
  groupLow = 0;
  seq = 0;
  payloadAt = 0;
  payloadLength = 0;
}

export function decodeDgram(view: DataView, at: number, length: number, flags: number, dgram: Dgram): boolean {
  if (length < DGRAM_LENGTH) return false;
  dgram.flags = flags;
  dgram.groupHigh = view.getUint32(at);
  dgram.groupLow = view.getUint32(at + 4);
  dgram.seq = view.getUint32(at + 8);
  dgram.payloadAt = at + DGRAM_LENGTH;
  dgram.payloadLength = length - DGRAM_LENGTH;
  return dgram.payloadLength <= DGRAM_PAYLOAD_MAX;
}
