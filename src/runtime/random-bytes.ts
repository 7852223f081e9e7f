/** Bytes from the system's generator: Web Crypto is in Node and every txiki.js. */

/** What getRandomValues() fills at most. */
const RANDOM_BYTES_MAX = 65536;

export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_MAX));
  }
  return bytes;
}

const word = new Uint32Array(1);

/** At least 0, less than 1; who has seen many cannot tell the next. */
export function random(): number {
  return crypto.getRandomValues(word)[0]! / 0x100000000;
}
