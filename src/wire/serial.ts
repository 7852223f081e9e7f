/** Serial number arithmetic on u32 sequence numbers (RFC 1982): they wrap; differences below 2^31 mean something. */

/** a − b as a signed number: positive when a is later. */
export function serialDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** seq + count, wrapped to u32. */
export function serialAdd(seq: number, count: number): number {
  return (seq + count) >>> 0;
}
