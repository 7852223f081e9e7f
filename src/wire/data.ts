/**
 * DATA: one packet of a stream (source address, epoch, group). A message is one packet, or consecutive ones FIRST …
 * LAST.
 *   0  8  group id
 *   8  4  seq
 *  12  2  low offset: seq − oldest one still served, 65535: further back
 *  14  2  age: ms since the message was published, 65535: older (timely class)
 *  16  …  with START: 4 bytes, the first sequence number meant for this receiver, and 1 byte, its life (subs.ts) for
 *         which that holds; then the payload
 */
export const DATA_ACK_NOW = 1; // answer with STATUS at once
export const DATA_FIRST = 2;
export const DATA_LAST = 4;
export const DATA_REPAIR = 8; // sent before: take no round-trip sample by its age, count as repair
export const DATA_START = 16;
export const DATA_PRIVATE = 32; // the private stream from the source to this receiver

export const DATA_LENGTH = 16;
export const START_LENGTH = 5;
export const DATA_PAYLOAD_MAX = 1152;

export class Data {
  flags = 0;
  groupHigh = 0;
  groupLow = 0;
  seq = 0;
  lowOffset = 0;
  ageMs = 0;
  start = 0;
  life = 0;
  /** Offset and length of the payload in the datagram. */
  payloadAt = 0;
  payloadLength = 0;
}

export function decodeData(view: DataView, at: number, length: number, flags: number, data: Data): boolean {
  const fixed = flags & DATA_START ? DATA_LENGTH + START_LENGTH : DATA_LENGTH;
  if (length < fixed || length - fixed > DATA_PAYLOAD_MAX) return false;
  data.flags = flags;
  data.groupHigh = view.getUint32(at);
  data.groupLow = view.getUint32(at + 4);
  data.seq = view.getUint32(at + 8);
  data.lowOffset = view.getUint16(at + 12);
  data.ageMs = view.getUint16(at + 14);
  data.start = flags & DATA_START ? view.getUint32(at + 16) : 0;
  data.life = flags & DATA_START ? view.getUint8(at + 20) : 0;
  data.payloadAt = at + fixed;
  data.payloadLength = length - fixed;
  return true;
}
