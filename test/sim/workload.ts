/** What applications do in a simulation: steady streams, sparse chat, storms. Each returns the time of its last send. */
import type { Prng } from './prng.ts';
import type { Simulation } from './simulation.ts';

/** Boots all nodes and runs until everybody has everybody as a member of every group. */
export function warmUp(sim: Simulation, groups?: readonly number[], until = 120_000): void {
  sim.bootAll(groups);
  const joined = groups ?? sim.groups.map((_, index) => index);
  if (!sim.runUntil(() => allKnown(sim, joined), sim.now + until)) {
    sim.violate('9 subscriptions', `not everybody knows everybody after ${until} ms: ${sim.hosts
      .map((host) => host.known[joined[0]!]!.size).join(' ')}`);
  }
  sim.run(sim.now + 2000);
}

export function allKnown(sim: Simulation, groups: readonly number[]): boolean {
  return sim.hosts.every((host) => groups.every((group) => host.known[group]!.size === sim.hosts.length - 1));
}

export interface StreamLoad {
  from: number;
  group?: number;
  count: number;
  perSecond: number;
  length: number;
  to?: number;
}

/** A steady stream; what the core refuses for want of room is counted in `refused`. */
export function stream(sim: Simulation, load: StreamLoad, refused?: { count: number }): number {
  const start = sim.now + 1;
  for (let i = 0; i < load.count; i++) {
    sim.at(start + (i * 1000) / load.perSecond, () => {
      const answer = sim.publish(load.from, load.group ?? 0, load.length, load.to ?? -1);
      if (answer < 0 && refused) refused.count++;
    });
  }
  return start + (load.count * 1000) / load.perSecond;
}

/** Poisson arrivals over all nodes together: each message comes from a node drawn at random. */
export function chat(sim: Simulation, random: Prng, perSecond: number, seconds: number, length: number, group = 0): number {
  let time = sim.now;
  const end = sim.now + seconds * 1000;
  for (;;) {
    time += Math.round(random.exponential(1000 / perSecond));
    if (time > end) return end;
    const from = random.below(sim.hosts.length);
    sim.at(time, () => { sim.publish(from, group, length); });
  }
}

/** Runs until nothing is owed any more. @returns the ms it took from `since`, -1: not by `limitMs` after it. */
export function settle(sim: Simulation, since: number, limitMs = 60_000): number {
  const { completeness } = sim.checkers;
  const settled = sim.runUntil(() => completeness.missing().count === 0, since + limitMs);
  return settled ? Math.max(0, sim.metrics.lastDeliveryAt - since) : -1;
}
