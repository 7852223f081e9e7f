/**
 * Round-trip estimate to one peer, RFC 6298's smoothed mean and variation, plus the smallest sample as the path's idle
 * delay (what is above it is queueing). Whole milliseconds in, so that every runtime computes the same.
 */
const RTT_INITIAL_MS = 1000;
/** Longer ones tell of a process that was stopped, not of the path. */
const SAMPLE_MS_MAX = 8_000;
const OUTLIER_MARGIN_MS = 50;
/** The smallest sample is forgotten after this long, so that a longer route is believed in the end. */
const MIN_WINDOW_MS = 60_000;

export class RoundTrip {
  #srtt = 0;
  #variation = 0;
  #min = 0;
  #minNext = 0;
  #minSince = 0;
  sampleCount = 0;

  /** @returns false when it cannot be one, and is ignored. */
  onSample(now: number, sampleMs: number): boolean {
    if (sampleMs < 0 || sampleMs > SAMPLE_MS_MAX) return false;
    if (this.sampleCount++ === 0) {
      this.#srtt = sampleMs;
      // RFC 6298 takes a half; here a retransmission too early costs one packet, one too late a person's patience.
      this.#variation = sampleMs / 6;
      this.#min = this.#minNext = sampleMs;
      this.#minSince = now;
      return true;
    }
    // A stall of either process looks like a long path: believe in it no faster than by doubling.
    sampleMs = Math.min(sampleMs, Math.round(2 * this.#srtt + 4 * this.#variation) + OUTLIER_MARGIN_MS);
    this.#variation += (Math.abs(this.#srtt - sampleMs) - this.#variation) / 4;
    this.#srtt += (sampleMs - this.#srtt) / 8;
    this.#minNext = Math.min(this.#minNext, sampleMs);
    if (now - this.#minSince > MIN_WINDOW_MS) {
      this.#min = this.#minNext;
      this.#minNext = sampleMs;
      this.#minSince = now;
    } else if (sampleMs < this.#min) {
      this.#min = sampleMs;
    }
    return true;
  }

  /** Smoothed round trip in whole ms; a cautious guess while there is no sample. */
  get srttMs(): number {
    return this.sampleCount === 0 ? RTT_INITIAL_MS : Math.round(this.#srtt);
  }
  get variationMs(): number {
    return this.sampleCount === 0 ? RTT_INITIAL_MS / 2 : Math.round(this.#variation);
  }
  /** The path without queues. */
  get minMs(): number {
    return this.sampleCount === 0 ? RTT_INITIAL_MS : this.#min;
  }
}
