/**
 * Seeded random numbers that are the same on every runtime: sfc32 on 32-bit integers, and a logarithm made of IEEE basic
 * operations only (Math.log differs in its last bits between engines). Streams forked by label do not disturb one another.
 */
const TWO_32 = 4294967296;
const LN2 = 0.6931471805599453;

/** Natural logarithm of x in (0, 1], by range reduction and the series of atanh. */
export function exactLog(x: number): number {
  let halvings = 0;
  let mantissa = x;
  while (mantissa < 0.5) {
    mantissa *= 2;
    halvings++;
  }
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let term = ratio;
  let sum = 0;
  for (let divisor = 1; divisor < 30; divisor += 2) {
    sum += term / divisor;
    term *= square;
  }
  return 2 * sum - halvings * LN2;
}

export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, label = 0) {
    this.#a = seed | 0;
    this.#b = (seed / TWO_32) | 0;
    this.#c = label | 0;
    for (let i = 0; i < 15; i++) this.u32();
  }

  /** A whole number in 0 … 2^32 - 1. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** In [0, 1), a multiple of 2^-32. */
  next(): number {
    return this.u32() / TWO_32;
  }

  /** A whole number in 0 … limit - 1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A whole number in low … high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** Exponentially distributed with this mean; > 0. */
  exponential(mean: number): number {
    return -mean * exactLog((this.u32() + 1) / TWO_32);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Another stream, fixed by this seed and the label alone when forked first. */
  fork(label: number): Prng {
    return new Prng(this.u32(), label);
  }
}
