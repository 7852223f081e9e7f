/**
 * Exact counts of what the measured messages cost: copies are packets of messages at receivers; "lost" means that the first
 * transmission of a copy did not arrive. Recovery of a lost copy = (arrival - first transmission - one way) / RTT; what a message
 * waited for the sender's window is part of the latency, not of the recovery.
 */
import { FRAME_TYPES } from './census.ts';

export class Metrics {
  /** Datagrams sent: all, and those without a DATA frame. */
  datagrams = 0;
  controlDatagrams = 0;
  /** Those of layer 1 alone: keepalives, probes, gossip, subscriptions. They go on without any message. */
  meshDatagrams = 0;
  bytes = 0;
  readonly frames = new Float64Array(FRAME_TYPES);
  /** DATA frames of measured messages, first transmissions and repeats. */
  dataSends = 0;
  repairs = 0;
  /** Copies whose first transmission was lost. */
  lostCopies = 0;
  /** Requests as the receivers count them, holes that were due; and STATUS frames that ask for at least one. */
  requests = 0;
  requestPackets = 0;
  /** Holes named by STATUS frames, those whose repair is on its way included. */
  holesNamed = 0;
  /** Copies (packets at receivers) delivered to applications, and reported as gaps. */
  deliveredCopies = 0;
  gapCopies = 0;
  /** In round trips, of lost copies that arrived in the end. */
  recovery: number[] = [];
  /** Delivery to the application minus publication, ms, per message and receiver. */
  latency: number[] = [];
  lastDeliveryAt = 0;

  reset(): void {
    this.datagrams = this.controlDatagrams = this.meshDatagrams = this.bytes = 0;
    this.frames.fill(0);
    this.dataSends = this.repairs = this.lostCopies = this.requests = this.requestPackets = this.holesNamed = 0;
    this.deliveredCopies = this.gapCopies = 0;
    this.recovery = [];
    this.latency = [];
    this.lastDeliveryAt = 0;
  }

  get copies(): number {
    return this.dataSends / this.deliveredCopies;
  }

  get packets(): number {
    return this.datagrams / this.deliveredCopies;
  }

  get control(): number {
    return this.controlDatagrams / this.deliveredCopies;
  }

  get requestsPerLoss(): number {
    return this.requestPackets / this.lostCopies;
  }

  get repairsPerLoss(): number {
    return this.repairs / this.lostCopies;
  }
}

/** The value below which this share of the samples lies; sorts a copy. 0 of nothing. */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) return 0;
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!;
}
