/** Token buckets: how many lines a client may send, and one node of the mesh may bring. */
import { makeRoom } from '../encoding/tables.ts';

const ADDRESSES_MAX = 2000;

export class Bucket {
  #tokens: number;
  #atMs: number;

  constructor(burst: number, nowMs: number) {
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** @returns false when it is empty. */
  take(nowMs: number, perSecond: number, burst: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) * perSecond) / 1000);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** One per mesh address. */
export class Rates {
  readonly #buckets = new Map<string, Bucket>();

  /** @returns false when `address` has used up what it may bring. */
  take(address: string, nowMs: number, perSecond: number, burst: number): boolean {
    let bucket = this.#buckets.get(address);
    if (bucket === undefined) {
      makeRoom(this.#buckets, ADDRESSES_MAX);
      this.#buckets.set(address, (bucket = new Bucket(burst, nowMs)));
    }
    return bucket.take(nowMs, perSecond, burst);
  }
}
