/**
 * Frames of the `srm` repair mode only.
 * REQUEST: a member asks the whole group for packets of one source (SRM's repair request).
 *   0 16 address of the source · 16 2 its port · 18 4 its epoch · 22 8 group id · 30 4 first packet asked for ·
 *   34 …  bitmap, at most 16 bytes: bit i (most significant first) = first + 1 + i is asked for too
 * SESSION: a source's session message.   0 8 group id · 8 4 highest sequence number sent
 */
export const REQUEST_LENGTH = 34;
export const REQUEST_BITMAP_MAX = 16;
export const SESSION_LENGTH = 12;

export class Request {
  sourceAt = 0;
  port = 0;
  epoch = 0;
  groupHigh = 0;
  groupLow = 0;
  first = 0;
  bitmapAt = 0;
  bitmapLength = 0;
}

export function decodeRequest(view: DataView, at: number, length: number, request: Request): boolean {
  if (length < REQUEST_LENGTH) return false;
  request.sourceAt = at;
  request.port = view.getUint16(at + 16);
  request.epoch = view.getUint32(at + 18);
  request.groupHigh = view.getUint32(at + 22);
  request.groupLow = view.getUint32(at + 26);
  request.first = view.getUint32(at + 30);
  request.bitmapAt = at + REQUEST_LENGTH;
  request.bitmapLength = Math.min(length - REQUEST_LENGTH, REQUEST_BITMAP_MAX);
  return true;
}

/** @param source 16 bytes; @param seqs ascending, all within 1 + 8 · REQUEST_BITMAP_MAX of the first */
export function encodeRequest(
  source: Uint8Array, port: number, epoch: number, group: { idHigh: number; idLow: number }, seqs: readonly number[],
): Uint8Array {
  const first = seqs[0]!;
  const span = (seqs[seqs.length - 1]! - first) >>> 0;
  const bytes = new Uint8Array(REQUEST_LENGTH + Math.ceil(span / 8));
  const view = new DataView(bytes.buffer);
  bytes.set(source, 0);
  view.setUint16(16, port);
  view.setUint32(18, epoch);
  view.setUint32(22, group.idHigh);
  view.setUint32(26, group.idLow);
  view.setUint32(30, first);
  for (const seq of seqs) {
    const bit = ((seq - first) >>> 0) - 1;
    if (bit >= 0) bytes[REQUEST_LENGTH + (bit >> 3)]! |= 0x80 >> (bit & 7);
  }
  return bytes;
}
