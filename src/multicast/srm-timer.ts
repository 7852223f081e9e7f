/**
 * SRM's random timers and how they adapt (Floyd, Jacobson, Liu, McCanne, Zhang 1997, §III and §V; ns-2's
 * srm-adaptive.tcl): wait d·(C1 + C2·U[0,1]) with d the one-way distance, so that near members speak first and others,
 * hearing them, stay silent. The constants follow what is seen: duplicates lengthen the wait, waiting long without
 * duplicates shortens it. The same rules serve requests (C1, C2) and repairs (D1, D2).
 */
const START = 2;
const WEIGHT = 0.25;
const DUPLICATES_TARGET = 1;
const DUPLICATES_SLACK = 0.1;
const FIXED_MIN = 0.5;
const RANDOM_MIN = 1;

export class SrmTimer {
  /** C1: the fixed part, in distances. */
  fixed = START;
  /** C2: the random part, in distances. */
  random = START;
  averageDuplicates = 0;
  /** From the loss to the first request, in round trips. */
  averageDelay = 0;
  readonly adaptive: boolean;

  constructor(adaptive: boolean) {
    this.adaptive = adaptive;
  }

  /** @returns whole ms to wait. @param distanceMs one way @param backoff doublings so far @param uniform in [0, 1) */
  waitMs(distanceMs: number, backoff: number, uniform: number): number {
    return Math.max(1, Math.round(distanceMs * (this.fixed + this.random * uniform) * 2 ** backoff));
  }

  /** One loss is over: how many requests (or repairs) beyond the first were seen, and how long the first took. */
  onRound(duplicateCount: number, delayRoundTrips: number): void {
    this.averageDuplicates += WEIGHT * (duplicateCount - this.averageDuplicates);
    this.averageDelay += WEIGHT * (delayRoundTrips - this.averageDelay);
  }

  /** Before the timer is set for a new loss. @param groupSize members, ourselves included */
  adapt(groupSize: number, fixedMax: number): void {
    if (!this.adaptive) return;
    if (this.averageDuplicates >= DUPLICATES_TARGET) {
      this.fixed += 0.1;
      this.random += 0.5;
    } else if (this.averageDuplicates < DUPLICATES_TARGET - DUPLICATES_SLACK) {
      if (this.averageDelay > 1) this.random -= 0.1;
      if (this.averageDuplicates < 0.25) this.fixed -= 0.05;
    } else {
      this.fixed += 0.05;
    }
    this.#bound(groupSize, fixedMax);
  }

  /** We were the one who asked. */
  onSent(groupSize: number, fixedMax: number): void {
    if (!this.adaptive) return;
    this.fixed -= 0.1;
    this.#bound(groupSize, fixedMax);
  }

  /** Somebody much farther from the source asked too: we could have been quicker. */
  onFartherDuplicate(groupSize: number, fixedMax: number): void {
    if (!this.adaptive) return;
    this.random -= 0.1;
    this.#bound(groupSize, fixedMax);
  }

  #bound(groupSize: number, fixedMax: number): void {
    this.fixed = Math.min(Math.max(fixedMax, FIXED_MIN), Math.max(FIXED_MIN, this.fixed));
    this.random = Math.min(Math.max(groupSize, RANDOM_MIN), Math.max(RANDOM_MIN, this.random));
  }
}
