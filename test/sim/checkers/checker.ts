/** What a checker may watch. All hooks are called during the run; `fail` (of Simulation) records a violation. */
import type { Delivery, GapReport } from '../ledger.ts';
import type { NodeHost } from '../node-host.ts';

export interface Checker {
  delivered?(delivery: Delivery): void;
  gapped?(report: GapReport): void;
  /** A DATA frame left: `packet` of Truth from a host to node `to`, again or for the first time, by this mesh. */
  dataSent?(host: NodeHost, to: number, packet: number, again: boolean, mesh: number): void;
  /** Every SAMPLE_MS of virtual time. */
  sampled?(now: number): void;
  /** The run has ended, healed and quiet. */
  finished?(now: number): void;
}
