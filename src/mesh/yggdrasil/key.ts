/**
 * Yggdrasil's addresses (src/address/address.go): 02, the number of leading ones of the inverted key, then the
 * inverted key's bits behind its first zero. So an address is bound to its key; 0300::/8 is not (one key owns 2^64
 * addresses there).
 */
import { formatAddress } from '../../wire/address.ts';

const KEY_DIGITS = 64;
const ADDRESS_LENGTH = 16;

/** @param key 64 hexadecimal digits. @returns the canonical address, or undefined when malformed. */
export function addressOfKey(key: string): string | undefined {
  if (key.length !== KEY_DIGITS || !/^[0-9a-f]+$/.test(key)) return undefined;
  const bit = (index: number): number => (~parseInt(key[index >> 2]!, 16) >> (3 - (index & 3))) & 1;
  let ones = 0;
  while (ones < 4 * KEY_DIGITS && bit(ones) === 1) ones++;
  const bytes = new Uint8Array(ADDRESS_LENGTH);
  bytes[0] = 0x02;
  bytes[1] = ones;
  for (let index = 0; index < 8 * (ADDRESS_LENGTH - 2); index++) {
    const from = ones + 1 + index;
    if (from < 4 * KEY_DIGITS) bytes[2 + (index >> 3)]! |= bit(from) << (7 - (index & 7));
  }
  return formatAddress(bytes);
}
