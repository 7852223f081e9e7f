/**
 * The star of the SRM paper and of ns-2's tests: all members at the same distance from one another (links of 10 ms to a hub),
 * the loss next to the source, so that every receiver lacks the same packet. Published: requests per loss, group packets.
 */
import { COPY_SENT } from './truth.ts';
import { Census } from './census.ts';
import { FRAME_REQUEST } from '../../src/wire/frame.ts';
import { Simulation } from './simulation.ts';
import { settle, warmUp } from './workload.ts';

const RTT_MS = 40;
const MESSAGE_MS = 500;
/** Of so many messages in a row one is lost. */
const PERIOD = 5;

export interface StarResult {
  /** Requests to the group, and repairs to it, per loss, in the order of the losses. */
  requests: number[];
  repairs: number[];
  problems: string[];
}

/** Requests per loss that ns-2 measured: constants fixed, adapted at first, adapted in the end. */
export const PUBLISHED: readonly { members: number; fixed: number; first: number; adapted: number }[] = [
  { members: 5, fixed: 2.9, first: 2.7, adapted: 2.48 },
  { members: 20, fixed: 10.6, first: 7, adapted: 2.15 },
  { members: 50, fixed: 25.4, first: 14.9, adapted: 2.05 },
  { members: 100, fixed: 51.8, first: 28.6, adapted: 4.62 },
];

export function srmStar(seed: number, members: number, losses: number, adaptive: boolean): StarResult {
  const sim = new Simulation({
    seed, nodes: members, network: { rttMs: RTT_MS, jitterMs: 0 }, nodeOptions: { srmAdaptive: adaptive },
    groups: [{ name: 'star', options: { repair: 'srm' } }],
  });
  warmUp(sim);
  const census = new Census();
  sim.network.dropRule = (from, to, bytes) => {
    if (from !== 0) return false;
    census.scan(sim.truth, 0, sim.hosts[0]!.incarnation, to, bytes);
    for (let i = 0; i < census.frameCount; i++) {
      const packet = census.packetAt(i);
      if (packet >= 0 && packet % PERIOD === 1 && !(sim.truth.packetCopies[packet]![to]! & COPY_SENT)) return true;
    }
    return false;
  };
  sim.beginMeasuring();
  const requests: number[] = [];
  const repairs: number[] = [];
  for (let i = 0; i < losses * PERIOD; i++) {
    sim.publish(0, 0, 200);
    sim.run(sim.now + MESSAGE_MS);
    if (i % PERIOD !== PERIOD - 1) continue;
    requests.push(sim.metrics.frames[FRAME_REQUEST]! / (members - 1));
    repairs.push(sim.metrics.repairs / (members - 1));
    sim.metrics.frames[FRAME_REQUEST] = 0;
    sim.metrics.repairs = 0;
  }
  const settledMs = settle(sim, sim.now);
  sim.run(sim.now + 1000);
  sim.finish();
  const problems = sim.violations.map(({ invariant, text }) => `${invariant}: ${text}`);
  if (settledMs < 0) problems.push('not settled');
  return { requests, repairs, problems };
}

export function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}
