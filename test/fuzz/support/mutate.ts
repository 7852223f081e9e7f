/** Random and mutated bytes: the same ones with the same seed. */

export type Random = () => number;

export const below = (random: Random, end: number): number => Math.floor(random() * end);

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)] as T;
}

export function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(random, 256));
}

const ODD_BYTES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/** One small fault or several: flipped bits, odd values, a piece left out, doubled or taken from another input. */
export function mutate(random: Random, bytes: Uint8Array, others: readonly Uint8Array[], lengthMax: number): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let count = 1 + below(random, 4); count > 0; count--) {
    const at = below(random, result.length + 1);
    const length = 1 + below(random, 16);
    const head = result.subarray(0, at), tail = result.subarray(at);
    const kind = below(random, 7);
    if (kind === 0 && at < result.length) result[at]! ^= 1 << below(random, 8);
    else if (kind === 1 && at < result.length) result[at] = pick(random, ODD_BYTES);
    else if (kind === 2) result.fill(pick(random, ODD_BYTES), at, at + pick(random, [2, 4, 8]));
    else if (kind === 3) result = result.slice(0, at);
    else if (kind === 4) result = join(head, tail.subarray(length));
    else if (kind === 5) result = join(head, tail.subarray(0, length), tail);
    else if (kind === 6) result = join(head, pick(random, others).subarray(below(random, 40)));
  }
  return result.slice(0, lengthMax);
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
