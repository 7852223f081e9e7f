/** Rows on memory: every bound at 200 nodes and 100 groups, and what a peer and a group cost. */
import { takeCell } from './cells.ts';
import type { Line, Row } from './report-rows.ts';
import { completeLine } from './rows-stream.ts';
import { Simulation } from './simulation.ts';
import { tally } from './tally.ts';
import { settle, warmUp } from './workload.ts';

const GROUPS = 100;
const GROUPS_PER_NODE = 10;

interface NodeGlobal {
  gc?: () => void;
  process?: { memoryUsage(): { heapUsed: number; arrayBuffers: number } };
}

/** Bytes in use, -1: this runtime does not tell. */
function heapBytes(): number {
  const { gc, process } = globalThis as unknown as NodeGlobal;
  if (gc === undefined || process === undefined) return -1;
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function groupSpecs(count: number): { name: string; options: object }[] {
  return Array.from({ length: count }, (_, index) => ({ name: `group-${index}`, options: {} }));
}

/**
 * 200 nodes; node 0 is in all 100 groups, each other in 10 of them, so that node 0 has 199 peers and 100 groups of about 20.
 * It speaks in all of them, one member is frozen and one path is bad, so that logs and reorder buffers fill.
 */
function boundsRow(): Row {
  return {
    name: 'memory', seeds: 2,
    run: (count) => {
      const cell = 'N = 200, 100 groups, 5 %, a frozen member';
      let peaks = '';
      const run = tally(count, (seed) => {
        const sim = new Simulation({ seed, nodes: 200, network: { loss: 0.05 }, groups: groupSpecs(GROUPS) });
        const random = sim.random.fork(5);
        const all = sim.groups.map((_, group) => group);
        for (const { index } of sim.hosts) {
          sim.boot(index, index === 0 ? all : Array.from({ length: GROUPS_PER_NODE }, () => random.below(GROUPS)));
        }
        sim.run(60_000);
        sim.beginMeasuring();
        sim.hosts[1]!.pause(30_000);
        for (let i = 0; i < 3000; i++) {
          sim.at(sim.now + i * 10, () => { sim.publish(i % 10 === 0 ? random.below(200) : 0, random.below(GROUPS), 1000); });
        }
        const end = sim.now + 30_000;
        sim.run(end);
        const settledMs = settle(sim, end);
        sim.run(sim.now + 40_000);
        sim.endMeasuring();
        sim.finish();
        const { peakLogBytes, peakNodeLogBytes, peakReorderBytes } = sim.checkers.memory;
        peaks = `log of a group ${peakLogBytes} B, logs of a node ${peakNodeLogBytes} B, reorder of a group ${peakReorderBytes} B`;
        return takeCell(sim, settledMs);
      });
      return [
        completeLine(cell, run),
        {
          goal: 'memory bounds', cell, seeds: count, bar: 'held every 100 ms', pass: !run.violations.some((one) => one.includes('7 memory')),
          measured: `peaks: ${peaks}`,
        },
      ];
    },
  };
}

/** Heap of a simulation after everybody has met everybody. */
function idleHeap(nodes: number, groups: number): number {
  const before = heapBytes();
  const sim = new Simulation({ seed: 1, nodes, groups: groupSpecs(groups) });
  warmUp(sim);
  const after = heapBytes();
  return sim.hosts.length > 0 ? after - before : 0; // keeps `sim` alive until here
}

function costRow(): Row {
  return {
    name: 'memory-cost', seeds: 1,
    run: () => {
      const line: Line = { goal: 'memory cost', cell: 'idle, Node', seeds: 1, bar: '(told)', measured: '', pass: true };
      if (heapBytes() < 0) return [{ ...line, measured: 'this runtime does not tell' }];
      idleHeap(20, 1);
      const pairs = (nodes: number): number => nodes * (nodes - 1);
      const small = idleHeap(20, 1);
      const large = idleHeap(60, 1);
      const wide = idleHeap(20, 41);
      const perPeer = (large - small) / (pairs(60) - pairs(20));
      const perMembership = (wide - small) / (pairs(20) * 40);
      return [{
        ...line,
        measured: `${Math.round(perPeer)} B per peer with one common group, ${Math.round(perMembership)} B per further group and ` +
          'member (the simulator\'s own books included)',
      }];
    },
  };
}

export const memoryRows: readonly Row[] = [boundsRow(), costRow()];
