/**
 * A datagram is a header and frames, back to back, big-endian, at most 1200 bytes in all (cjdns' TUN leaves 1256,
 * IPv6's minimum 1232). A frame:
 *   offset  size  field
 *        0     1  type
 *        1     1  flags, per type; unknown bits are ignored
 *        2     2  length of the body
 *        4     …  body; bytes past the fields that a version knows are ignored, so that later versions can append
 * A frame of unknown type is skipped by its length. A length past the datagram's end ends the reading.
 */
export const DATAGRAM_BYTES_MAX = 1200;
export const FRAME_HEADER_LENGTH = 4;

export const FRAME_HELLO = 1;
export const FRAME_SUBS = 2;
export const FRAME_SUBS_ACK = 3;
export const FRAME_SUBS_REQ = 4;
export const FRAME_DATA = 5;
export const FRAME_DGRAM = 6;
export const FRAME_STATUS = 7;
export const FRAME_POLL = 8;
export const FRAME_GAP = 9;
export const FRAME_DIGEST = 10;
export const FRAME_HINT = 11;
export const FRAME_PEERS = 12;
/** SRM mode only. 13 is kept for RELAY. */
export const FRAME_REQUEST = 14;
export const FRAME_SESSION = 15;

/** Writes the header of a frame whose body already stands behind it. @returns the offset after the body. */
export function closeFrame(view: DataView, offset: number, type: number, flags: number, end: number): number {
  view.setUint8(offset, type);
  view.setUint8(offset + 1, flags);
  view.setUint16(offset + 2, end - offset - FRAME_HEADER_LENGTH);
  return end;
}
