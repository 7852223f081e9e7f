/**
 * How many bytes of DATA this node has in flight to all its peers together. The enemy is the fan-out burst: 200 copies
 * of one line are 74 kB into an uplink that queues 32. The window follows queueing delay (LEDBAT, RFC 6817 §2.4.2): the
 * least, over 50 ms, of what a round trip takes above that peer's shortest. Probes, STATUS and POLL are outside it.
 */
const START_BYTES = 32_768;
const MIN_BYTES = 16_384;
const MAX_BYTES = 8_388_608;
const SEGMENT_BYTES = 1_200;
const SAMPLE_MS = 50;
/**
 * The window held us back in so many periods, and no period's least delay was above this: slow start again. It may have
 * ended for a stalled processor (RFC 9406 §4.2 resumes it too), or the way has become wider; step by step takes for ever.
 */
const CALM_MS = 10;
const CALM_PERIODS = 6;
/** The worst of a burst is forgotten after this. */
const WORST_MS = 2_000;
const SLOW_START_EXIT_MS = 36;
const SLOW_START_EXIT_SAMPLES = 8;
const SLOW_START_EXIT_LASTS_MS = 20;
/** Past slow start: a segment more per round trip with no queue, one less with twice this. */
const TARGET_MS = 60;
/**
 * The window never falls below what was lately delivered in the idle round trip and the target delay, and a quarter
 * more: a stall of a busy processor is not a full queue.
 */
const FLOOR_FACTOR = 1.25;
const RATE_PERIOD_MS = 1_000;
const RATE_MEMORY = 0.7;
/** What a queue or losses leave of the window. */
const REDUCTION = 0.7;
/** How much of the worst recent queueing delay is remembered from one sample period to the next. */
const QUEUE_MEMORY = 0.95;
const QUEUE_SEEN_MS = 4;
/** Repairs above this share of a period's sends mean that a queue overflows. */
const REPAIR_SHARE_MAX = 0.25;
const REPAIR_PERIOD_MS = 200;
const REPAIR_PERIOD_SENDS_MIN = 8;

export class CongestionWindow {
  bytes = START_BYTES;
  inFlight = 0;
  /** Least queueing delay of the last period, ms. */
  queueMs = 0;
  reductionCount = 0;
  #slowStart = true;
  #sampleMin = Infinity;
  #sampleMax = 0;
  #sampleMaxBefore = 0;
  #sampleSince = -Infinity;
  #sends = 0;
  #repairs = 0;
  #repairSince = -Infinity;
  #limited = false;
  /** Samples in a row that told of a queue (HyStart, RFC 9406 §4.2, takes 8 too). */
  #queuedRun = 0;
  #queuedSince = 0;
  /** Periods since the last queue in which the window held us back. */
  #calmPeriods = 0;
  /** Delivered bytes per second, the best of the recent ones; this period's so far, and since when. */
  #rate = 0;
  #delivered = 0;
  #rateSince = -Infinity;
  #floor = MIN_BYTES;
  #queuePeakMs = 0;

  /** Whether `size` more bytes may go. An empty window always lets one packet through. */
  admits(size: number): boolean {
    const fits = this.inFlight === 0 || this.inFlight + size <= this.bytes;
    if (!fits) this.#limited = true;
    return fits;
  }

  /** More than half used: worth asking for acknowledgements at once. */
  get pressed(): boolean {
    return this.inFlight * 2 > this.bytes;
  }

  /** Slow start, and too small: every acknowledgement counts. */
  get growing(): boolean {
    return this.#slowStart && this.#limited;
  }

  onSend(now: number, size: number, repair: boolean): void {
    this.inFlight += size;
    // Half in use counts as limited (RFC 7661 §4.3): acknowledgements come late, the window has to be ahead of them.
    if (this.pressed) this.#limited = true;
    this.#sends++;
    if (repair) this.#repairs++;
    if (now - this.#repairSince < REPAIR_PERIOD_MS) return;
    const lossy = this.#sends >= REPAIR_PERIOD_SENDS_MIN && this.#repairs > this.#sends * REPAIR_SHARE_MAX;
    if (lossy && this.#queuePeakMs > QUEUE_SEEN_MS) this.#reduce();
    this.#sends = this.#repairs = 0;
    this.#repairSince = now;
  }

  /** Acknowledged, or given up: its bytes are no longer on their way. */
  onRemove(size: number): void {
    this.inFlight = Math.max(0, this.inFlight - size);
  }

  /** @param queueMs what a round trip took above the peer's shortest */
  onSample(now: number, queueMs: number): void {
    this.#sampleMin = Math.min(this.#sampleMin, Math.max(0, queueMs));
    this.#sampleMax = Math.max(this.#sampleMax, queueMs);
    this.#queuedRun = queueMs > SLOW_START_EXIT_MS ? this.#queuedRun + 1 : 0;
    if (this.#queuedRun === 1) this.#queuedSince = now;
    // Many receivers answer at once, so a stall of the processor makes a run of samples too: a queue also lasts.
    const lasts = now - this.#queuedSince >= SLOW_START_EXIT_LASTS_MS;
    if (this.#slowStart && lasts && this.#queuedRun >= SLOW_START_EXIT_SAMPLES) this.#reduce();
    if (now - this.#sampleSince < SAMPLE_MS) return;
    this.queueMs = this.#sampleMin;
    if (this.queueMs > CALM_MS) this.#calmPeriods = 0;
    else if (this.#limited && ++this.#calmPeriods >= CALM_PERIODS) this.#slowStart = true;
    this.#queuePeakMs = Math.max(this.queueMs, this.#queuePeakMs * QUEUE_MEMORY);
    this.#sampleMin = Infinity;
    this.#sampleMaxBefore = this.#sampleMax;
    this.#sampleMax = 0;
    this.#sampleSince = now;
  }

  /** The longest queueing delay seen in this period and the one before: what a packet sent now may have to wait. */
  worstQueueMs(now: number): number {
    return now - this.#sampleSince > WORST_MS ? 0 : Math.max(this.#sampleMax, this.#sampleMaxBefore);
  }

  /** Bytes newly acknowledged: grows the window while it is what holds us back, shrinks it above the target delay. */
  onAck(now: number, bytes: number, idleRttMs: number): void {
    this.#measure(now, bytes, idleRttMs);
    if (this.#slowStart) {
      // No queue at all: twice as fast, so that a video stream is up to speed before its first deadline.
      const factor = this.#queuePeakMs < QUEUE_SEEN_MS && this.#queuedRun === 0 ? 2 : 1;
      if (this.#limited) this.bytes = Math.min(MAX_BYTES, this.bytes + factor * bytes);
    } else {
      const offTarget = Math.max(-1, (TARGET_MS - this.queueMs) / TARGET_MS);
      const change = (offTarget * bytes * SEGMENT_BYTES) / this.bytes;
      const changed = Math.min(MAX_BYTES, Math.max(this.#floor, Math.round(this.bytes + change)));
      if (change < 0 || this.#limited) this.bytes = changed;
    }
    if (this.inFlight * 2 < this.bytes) this.#limited = false;
  }

  #measure(now: number, bytes: number, idleRttMs: number): void {
    this.#delivered += bytes;
    const elapsedMs = now - this.#rateSince;
    if (elapsedMs < RATE_PERIOD_MS) return;
    const rate = elapsedMs < 2 * RATE_PERIOD_MS ? (this.#delivered * 1000) / elapsedMs : 0;
    this.#rate = Math.max(rate, this.#rate * RATE_MEMORY);
    this.#floor = Math.max(MIN_BYTES, Math.round((this.#rate * (idleRttMs + TARGET_MS) * FLOOR_FACTOR) / 1000));
    this.#delivered = 0;
    this.#rateSince = now;
  }

  #reduce(): void {
    this.reductionCount++;
    this.#queuePeakMs = 0;
    this.#slowStart = false;
    this.#calmPeriods = 0;
    this.bytes = Math.max(this.#floor, Math.round(this.bytes * REDUCTION));
  }
}
