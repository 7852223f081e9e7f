/** Token buckets, one per mesh address: how much one node may bring. */

const ADDRESSES_MAX = 2000;

export class Rates {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  /** @returns false when `address` has used up what it may bring. */
  take(address: string, nowMs: number, perSecond: number, burst: number): boolean {
    let bucket = this.#buckets.get(address);
    if (bucket === undefined) {
      if (this.#buckets.size >= ADDRESSES_MAX) this.#buckets.delete(this.#buckets.keys().next().value as string);
      this.#buckets.set(address, (bucket = { tokens: burst, atMs: nowMs }));
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}
