/** What scripted scenarios are made of. A scenario returns what went wrong, nothing when all is well. */
import { type GroupSpec, Simulation, type SimulationOptions } from './simulation.ts';
import { settle, warmUp } from './workload.ts';

export interface Scenario {
  name: string;
  run(): string[];
}

/** A simulation whose nodes all know each other, measuring. */
export function warmed(options: SimulationOptions): Simulation {
  const sim = new Simulation(options);
  warmUp(sim);
  sim.beginMeasuring();
  return sim;
}

/** Lets everything settle within `limitMs` of `since`, then judges; @returns the violations. */
export function judged(sim: Simulation, since = sim.now, limitMs = 30_000): string[] {
  const settledMs = settle(sim, since, limitMs);
  if (settledMs < 0) sim.violate('4 completeness', `not settled ${limitMs} ms after ${since}`);
  sim.run(sim.now + 1000);
  sim.finish();
  return problemsOf(sim);
}

/** As judged(); then all must be at rest for two minutes, from `quietMs` on. */
export function rested(sim: Simulation, quietMs: number): string[] {
  judged(sim);
  sim.run(sim.now + quietMs);
  sim.checkers.silence.begin();
  sim.run(sim.now + 120_000);
  sim.checkers.silence.end();
  return problemsOf(sim);
}

export function problemsOf(sim: Simulation): string[] {
  return sim.violations.map(({ time, invariant, text }) => `${time} ms, ${invariant}: ${text}`);
}

export function groupsOf(...options: GroupSpec['options'][]): GroupSpec[] {
  return options.map((one, index) => ({ name: `group-${index}`, options: one }));
}

/** Sends `count` messages one after the other from a node, at once. */
export function burst(sim: Simulation, from: number, count: number, length = 300, group = 0, to = -1): number {
  let taken = 0;
  for (let i = 0; i < count; i++) if (sim.publish(from, group, length, to) > 0) taken++;
  return taken;
}
