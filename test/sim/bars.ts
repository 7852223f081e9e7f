/**
 * The protocol's cost and speed on a few seeds, with a margin over the report's bars: quick enough for `make test`, sharp
 * enough that a rule that is deleted shows. (The report measures the bars themselves on many seeds.)
 */
import { type Cell, chatCell, p50, p99, streamCell, takeCell } from './cells.ts';
import { percentile } from './metrics.ts';
import type { Scenario } from './scenario.ts';
import { Simulation } from './simulation.ts';
import { settle, stream, warmUp } from './workload.ts';

/** Complains when a measured value is not below its limit. */
function above(problems: string[], what: string, value: number, limit: number): void {
  if (!(value <= limit)) problems.push(`${what} is ${value.toFixed(3)}, limit ${limit}`);
}

function complete(cell: Cell): string[] {
  const problems = cell.violations.slice(0, 3);
  if (cell.settledMs < 0) problems.push('not settled');
  if (cell.gaps > 0) problems.push(`${cell.gaps} gaps`);
  return problems;
}

function streamBar(loss: number, limits: { copies: number; control: number; p50: number; p95: number }): string[] {
  const cell = streamCell({ seed: 3, nodes: 20, network: { loss } }, 400);
  const problems = complete(cell);
  above(problems, 'copies', cell.copies * (1 - loss), limits.copies);
  above(problems, 'control per copy', cell.control, limits.control);
  above(problems, 'recovery p50', p50(cell.recovery), limits.p50);
  above(problems, 'recovery p95', percentile(cell.recovery, 0.95), limits.p95);
  return problems;
}

export const bars: readonly Scenario[] = [
  {
    name: 'a stream at 1 % costs 1 copy and a tenth of a control packet',
    run: () => streamBar(0.01, { copies: 1.03, control: 0.16, p50: 1.5, p95: 3.2 }),
  },
  {
    name: 'a stream at 10 % is repaired in one or two round trips',
    run: () => streamBar(0.1, { copies: 1.03, control: 0.22, p50: 1.5, p95: 3.4 }),
  },
  {
    name: 'a stream at 30 % costs little more than its losses',
    run: () => streamBar(0.3, { copies: 1.09, control: 0.8, p50: 1.8, p95: 5 }),
  },
  {
    name: 'without escalation a lost copy is asked for and repaired about once',
    run: () => {
      const cell = streamCell({ seed: 4, nodes: 20, network: { loss: 0.1 }, nodeOptions: { escalate: false } }, 300);
      const problems = complete(cell);
      above(problems, 'requests per lost copy', cell.requestsPerLoss, 1.25);
      above(problems, 'repairs per lost copy', cell.repairsPerLoss, 1.2);
      return problems;
    },
  },
  {
    name: 'late packets are not taken for lost ones for long',
    run: () => {
      const cell = streamCell({ seed: 5, nodes: 10, network: { reorder: 0.05, reorderMs: 50 } }, 500);
      const problems = complete(cell);
      above(problems, 'copies', cell.copies, 1.03);
      return problems;
    },
  },
  {
    name: 'sparse chat at 10 % costs about 2.5 packets a delivery and comes in two round trips',
    run: () => {
      const cell = chatCell({ seed: 6, nodes: 20, network: { loss: 0.1 } }, 1, 120);
      const problems = complete(cell);
      above(problems, 'copies', cell.copies, 1.05 / 0.81);
      above(problems, 'packets', cell.packets, 2.8);
      above(problems, 'recovery p50', p50(cell.recovery), 2.3);
      above(problems, 'recovery p99', p99(cell.recovery), 9);
      return problems;
    },
  },
  {
    name: 'a fan-out to 120 nodes does not drown a narrow uplink',
    run: () => {
      const network = { loss: 0.01, uplinkBytesPerMs: 250, uplinkQueueBytes: 32_768, overheadBytes: 140 };
      const sim = new Simulation({ seed: 7, nodes: 120, network });
      warmUp(sim);
      sim.beginMeasuring();
      const end = stream(sim, { from: 0, count: 6, perSecond: 1, length: 200 });
      sim.run(end);
      const settledMs = settle(sim, end);
      sim.endMeasuring();
      sim.finish();
      const cell = takeCell(sim, settledMs);
      const problems = complete(cell);
      above(problems, 'copies', cell.copies, 1.15);
      return problems;
    },
  },
  {
    name: 'three streams of one node share it fairly',
    run: () => {
      const groups = [{ name: 'a', options: {} }, { name: 'b', options: {} }, { name: 'c', options: {} }];
      const network = { loss: 0.01, uplinkBytesPerMs: 125, uplinkQueueBytes: 32_768 };
      const sim = new Simulation({ seed: 8, nodes: 6, network, groups });
      warmUp(sim);
      const arrived = [0, 0, 0];
      sim.deliveryListener = ({ stream: { group } }) => { arrived[group]!++; };
      for (let group = 0; group < 3; group++) stream(sim, { from: 0, group, count: 400, perSecond: 100, length: 1000 });
      sim.run(sim.now + 6000);
      const problems: string[] = [];
      const least = Math.min(...arrived);
      const most = Math.max(...arrived);
      if (least < 0.7 * most) problems.push(`shares are ${arrived.join(', ')}`);
      if (most * 3 < 5 * 10) problems.push(`hardly anything arrived: ${arrived.join(', ')}`);
      return problems;
    },
  },
];
