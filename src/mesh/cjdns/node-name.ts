/**
 * Names of cjdns nodes. A node is named `v21.0000.0000.0000.0013.KEY.k`: its protocol version, the switch label of a
 * route to it, and its public key. The address is the first 16 bytes of SHA512(SHA512(key)) and starts with fc
 * (AddressCalc.c): we compute it, as cjdns has announced that it will stop telling `ip`, and as only the key proves
 * it.
 */
import { formatAddress } from '../../wire/address.ts';

const KEY_LENGTH = 32;
/** Base32.h: no a, e, i, o; the first character holds the lowest 5 bits. */
const ALPHABET = '0123456789bcdfghjklmnpqrstuvwxyz';

export interface NodeName {
  version: number;
  /** Without the trailing ".k". */
  key: string;
  /** Estimated from the label's length, as a small node on the way takes 4 bits of it; 0: ourselves, -1: no route. */
  hops: number;
}

/** @returns undefined when `text` is no node name. */
export function parseNodeName(text: string): NodeName | undefined {
  const match = /^v(\d{1,5})\.((?:[0-9a-f]{4}\.){4})([0-9a-z]{52})\.k$/.exec(text);
  if (match === null) return undefined;
  return { version: Number(match[1]), key: match[3]!, hops: hopsOfLabel(match[2]!.replaceAll('.', '')) };
}

/** @param label 16 hexadecimal digits. */
function hopsOfLabel(label: string): number {
  if (label === 'ffffffffffffffff') return -1; // how cjdns writes the route to a node it has lost
  const digits = label.replace(/^0+/, '');
  if (digits === '' || digits === '1') return 0;
  const bits = digits.length * 4 - (Math.clz32(parseInt(digits[0]!, 16)) - 28);
  return Math.max(1, Math.round((bits - 1) / 4));
}

/** @param key 52 characters of base32. @returns 32 bytes, or undefined when malformed. */
export function decodeKey(key: string): Uint8Array | undefined {
  const bytes = new Uint8Array(KEY_LENGTH);
  let bits = 0;
  let bitCount = 0;
  let length = 0;
  for (const char of key) {
    const value = ALPHABET.indexOf(char);
    if (value < 0) return undefined;
    bits |= value << bitCount;
    bitCount += 5;
    if (bitCount < 8) continue;
    if (length === KEY_LENGTH) return undefined;
    bytes[length++] = bits & 255;
    bits >>= 8;
    bitCount -= 8;
  }
  return length === KEY_LENGTH && bits === 0 ? bytes : undefined;
}

/** The canonical address of the node with this key, or undefined when no node can have it. */
export function addressOfKey(key: string, sha512: (bytes: Uint8Array) => Uint8Array): string | undefined {
  const bytes = decodeKey(key);
  if (bytes === undefined) return undefined;
  const hash = sha512(sha512(bytes));
  return hash[0] === 0xfc ? formatAddress(hash) : undefined;
}
