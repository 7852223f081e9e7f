/**
 * A two-state process in continuous time (Gilbert-Elliott when the bad state loses everything): bad for `meanMs` on average,
 * `share` of the time. One instance serves many lanes (paths, uplinks, CPUs); a lane is advanced only when it is asked.
 */
import type { Prng } from './prng.ts';

export class OnOff {
  #random: Prng;
  #until: Float64Array;
  #bad: Uint8Array;

  constructor(lanes: number, random: Prng) {
    this.#random = random;
    this.#until = new Float64Array(lanes);
    this.#bad = new Uint8Array(lanes);
  }

  /** Whether the lane is in its bad state at `now`; times asked of one lane must not decrease. */
  isBad(lane: number, now: number, share: number, meanMs: number): boolean {
    if (share <= 0) {
      this.#until[lane] = 0;
      return false;
    }
    if (this.#until[lane] === 0) this.#begin(lane, now, share, meanMs);
    while (this.#until[lane]! <= now) {
      const bad = this.#bad[lane] === 0;
      this.#bad[lane] = bad ? 1 : 0;
      this.#until[lane]! += this.#random.exponential(bad ? meanMs : (meanMs * (1 - share)) / share);
    }
    return this.#bad[lane] === 1;
  }

  /** When the state asked for last ends. */
  until(lane: number): number {
    return this.#until[lane]!;
  }

  #begin(lane: number, now: number, share: number, meanMs: number): void {
    const bad = this.#random.chance(share);
    this.#bad[lane] = bad ? 1 : 0;
    this.#until[lane] = now + this.#random.exponential(bad ? meanMs : (meanMs * (1 - share)) / share);
  }
}
