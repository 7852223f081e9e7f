/**
 * The head of every datagram.
 *   offset  size  field
 *        0     1  version (high 4 bits) = 1, flags (low 4 bits, 0)
 *        1     1  reserved, 0; ignored on receipt
 *        2     2  low half of the receiver's epoch as the sender knows it, 0: unknown
 *        4     4  epoch of the sender: rises with each start of its daemon
 *        8     4  timestamp: sender's milliseconds, wrapping; echoed in STATUS and HELLO to measure the round trip
 */
export const HEADER_LENGTH = 12;
export const PROTOCOL_VERSION = 1;

export class Header {
  receiverEpochLow = 0;
  epoch = 0;
  timestamp = 0;
}

export function encodeHeader(view: DataView, receiverEpoch: number, epoch: number, now: number): number {
  view.setUint16(0, PROTOCOL_VERSION << 12);
  view.setUint16(2, receiverEpoch & 0xffff);
  view.setUint32(4, epoch);
  view.setUint32(8, now >>> 0);
  return HEADER_LENGTH;
}

/** @returns false when the datagram is too short, of another version, or names epoch 0: drop and count. */
export function decodeHeader(view: DataView, length: number, header: Header): boolean {
  if (length < HEADER_LENGTH || view.getUint8(0) >> 4 !== PROTOCOL_VERSION) return false;
  header.receiverEpochLow = view.getUint16(2);
  header.epoch = view.getUint32(4);
  header.timestamp = view.getUint32(8);
  return header.epoch !== 0;
}
