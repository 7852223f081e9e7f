/** The measured cells of the report and of the tests: one function per kind of load, one result struct. */
import type { NetworkOptions } from './network-options.ts';
import { percentile } from './metrics.ts';
import { type GroupSpec, Simulation, type SimulationOptions } from './simulation.ts';
import { chat, settle, stream, warmUp } from './workload.ts';

export interface Cell {
  copies: number;
  packets: number;
  control: number;
  requestsPerLoss: number;
  repairsPerLoss: number;
  recovery: number[];
  latency: number[];
  owed: number;
  delivered: number;
  gaps: number;
  refused: number;
  /** ms from the last send to the last delivery; -1: not complete in time. */
  settledMs: number;
  violations: string[];
  sim: Simulation;
}

export interface CellOptions {
  seed: number;
  nodes: number;
  network: Partial<NetworkOptions>;
  groups?: GroupSpec[];
  nodeOptions?: NonNullable<SimulationOptions['nodeOptions']>;
  listener?: (line: string) => void;
}


/** What a measured run came to. Call when it has settled. */
export function takeCell(sim: Simulation, settledMs: number, refused = 0): Cell {
  const { metrics } = sim;
  let owed = 0;
  for (const message of sim.truth.messages) {
    if (message.measured) for (const serial of message.owed) if (serial > 0) owed += message.span;
  }
  return {
    copies: metrics.copies, packets: metrics.packets, control: metrics.control,
    requestsPerLoss: metrics.requestsPerLoss, repairsPerLoss: metrics.repairsPerLoss,
    recovery: metrics.recovery, latency: metrics.latency, owed, delivered: metrics.deliveredCopies, gaps: metrics.gapCopies,
    refused, settledMs, sim,
    violations: sim.violations.map((one) => `${one.time} ms, ${one.invariant}: ${one.text}`),
  };
}

/** One source, a steady stream to all. */
export function streamCell(options: CellOptions, count = 500, perSecond = 50, length = 1000): Cell {
  const sim = new Simulation(options);
  warmUp(sim);
  sim.beginMeasuring();
  const refused = { count: 0 };
  const end = stream(sim, { from: 0, count, perSecond, length }, refused);
  sim.run(end);
  const settledMs = settle(sim, end);
  sim.run(sim.now + 2000);
  sim.endMeasuring();
  sim.finish();
  return takeCell(sim, settledMs, refused.count);
}

/** Sparse chat: Poisson, 200 bytes, any node speaks; every message is a tail. */
export function chatCell(options: CellOptions, perSecond = 1, seconds = 120, length = 200): Cell {
  const sim = new Simulation(options);
  warmUp(sim);
  sim.beginMeasuring();
  const end = chat(sim, sim.random.fork(50), perSecond, seconds, length);
  sim.run(end);
  const settledMs = settle(sim, end);
  sim.run(sim.now + 2000);
  sim.endMeasuring();
  sim.finish();
  return takeCell(sim, settledMs);
}

export function p50(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

export function p99(samples: readonly number[]): number {
  return percentile(samples, 0.99);
}
