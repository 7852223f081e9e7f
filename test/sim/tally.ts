/** Cells of several seeds taken together: sums for ratios, pooled samples for percentiles. */
import type { Cell } from './cells.ts';
import { percentile } from './metrics.ts';

export class Tally {
  seeds = 0;
  owed = 0;
  delivered = 0;
  gaps = 0;
  violations: string[] = [];
  slowestMs = 0;
  unsettled = 0;
  #dataSends = 0;
  #datagrams = 0;
  #control = 0;
  #mesh = 0;
  #requests = 0;
  #requestPackets = 0;
  #repairs = 0;
  #lost = 0;
  #recovery: number[] = [];
  #latency: number[] = [];

  add(cell: Cell): void {
    const { metrics } = cell.sim;
    this.seeds++;
    this.owed += cell.owed;
    this.delivered += cell.delivered;
    this.gaps += cell.gaps;
    this.violations.push(...cell.violations);
    if (cell.settledMs < 0) this.unsettled++;
    this.slowestMs = Math.max(this.slowestMs, cell.settledMs);
    this.#dataSends += metrics.dataSends;
    this.#datagrams += metrics.datagrams;
    this.#control += metrics.controlDatagrams;
    this.#mesh += metrics.meshDatagrams;
    this.#requests += metrics.requests;
    this.#requestPackets += metrics.requestPackets;
    this.#repairs += metrics.repairs;
    this.#lost += metrics.lostCopies;
    for (const one of cell.recovery) this.#recovery.push(one);
    for (const one of cell.latency) this.#latency.push(one);
  }

  get copies(): number {
    return this.#dataSends / this.delivered;
  }

  get packets(): number {
    return this.#datagrams / this.delivered;
  }

  /** Keepalives and other datagrams of layer 1 alone, per delivery. */
  get mesh(): number {
    return this.#mesh / this.delivered;
  }

  get control(): number {
    return this.#control / this.delivered;
  }

  /** STATUS frames that ask; one may ask for several packets. */
  get requestsPerLoss(): number {
    return this.#requestPackets / this.#lost;
  }

  /** Packets asked for, those repeated counted again. */
  get requestedPerLoss(): number {
    return this.#requests / this.#lost;
  }

  get repairsPerLoss(): number {
    return this.#repairs / this.#lost;
  }

  /** Of lost copies, in round trips. */
  recovery(share: number): number {
    return percentile(this.#recovery, share);
  }

  /** Publication to delivery, ms. */
  latency(share: number): number {
    return percentile(this.#latency, share);
  }

  get complete(): boolean {
    return this.violations.length === 0 && this.unsettled === 0 && this.delivered + this.gaps >= this.owed;
  }
}

/** Runs a cell for seeds 1 … count and adds them up. */
export function tally(count: number, run: (seed: number) => Cell): Tally {
  const result = new Tally();
  for (let seed = 1; seed <= count; seed++) result.add(run(seed));
  return result;
}
