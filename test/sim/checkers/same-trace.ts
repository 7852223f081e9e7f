/** Invariant 13: same seed, same event trace. Runs a simulation twice and compares; across runtimes the hashes are printed. */
import type { Simulation } from '../simulation.ts';

/** @returns the hash, or a sentence when the two runs differ. */
export function compareTraces(run: () => Simulation): { hash: string; problem: string } {
  const first = run();
  const second = run();
  const same = first.trace.hash === second.trace.hash && first.trace.events === second.trace.events;
  return {
    hash: first.trace.hash,
    problem: same ? '' : `13 same trace: ${first.trace.hash} (${first.trace.events} events) against ` +
      `${second.trace.hash} (${second.trace.events})`,
  };
}
