/**
 * SUBS: all groups that the sender is in (first-person only), repeated to each peer until SUBS_ACK names its version.
 *   0  4  version: rises with every join and leave
 *   4  2  count, then 10 bytes each: group id (8), life (1), start (1)
 *      1  count of the sender's further addresses, then 19 bytes each: address (16), port (2), flags (1; bit 0: it had
 *         it, and has it no more); left out where there are none
 * life: low byte of the version with which the sender joined. Another one: it has left and joined again.
 * start: where the sender wants the receiver's stream to begin: 0 now, 1 … 254 its last K messages, 255 all retained.
 * SUBS_ACK: 0 4 version held.   SUBS_REQ: 0 4 version held, 0: none; asks for SUBS.
 */
export const SUBS_LENGTH = 6;
export const SUBS_ENTRY_LENGTH = 10;
export const SUBS_ENTRIES_MAX = 112;
/** Further addresses: at most so many; and what they need beside the groups. */
export const SUBS_ADDRESSES_MAX = 8;
export const SUBS_ADDRESS_LENGTH = 19;
export const SUBS_ADDRESS_AWAY = 1;
export const START_NOW = 0;
export const START_ALL = 255;

export class Subs {
  version = 0;
  count = 0;
  /** Where the entries begin in the datagram. */
  entriesAt = 0;
  addressCount = 0;
  addressesAt = 0;
}

export function decodeSubs(view: DataView, at: number, length: number, subs: Subs): boolean {
  if (length < SUBS_LENGTH) return false;
  subs.version = view.getUint32(at);
  subs.count = view.getUint16(at + 4);
  subs.entriesAt = at + SUBS_LENGTH;
  const end = SUBS_LENGTH + subs.count * SUBS_ENTRY_LENGTH;
  subs.addressCount = length > end ? view.getUint8(at + end) : 0;
  subs.addressesAt = at + end + 1;
  const addressesLength = subs.addressCount && 1 + subs.addressCount * SUBS_ADDRESS_LENGTH;
  return subs.count <= SUBS_ENTRIES_MAX && subs.addressCount <= SUBS_ADDRESSES_MAX && end + addressesLength <= length;
}
