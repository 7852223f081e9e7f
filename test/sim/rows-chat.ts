/** Rows on sparse chat (Poisson, 200 B, every message is a tail), on narrow uplinks and on storms. */
import { chatCell, takeCell } from './cells.ts';
import type { Line, Row } from './report-rows.ts';
import { completeLine, line, percent } from './rows-stream.ts';
import { Simulation } from './simulation.ts';
import { tally } from './tally.ts';
import { settle, stream, warmUp } from './workload.ts';

function chatRow(nodes: number, loss: number, seeds: number, seconds: number): Row {
  return {
    name: `chat-${nodes}-${Math.round(loss * 100)}`, seeds,
    run: (count) => {
      const cell = `chat, N = ${nodes}, ${percent(loss)}`;
      const run = tally(count, (seed) => chatCell({ seed, nodes, network: { loss } }, 1, seconds));
      const floor = 1 / ((1 - loss) * (1 - loss));
      const lines: Line[] = [completeLine(cell, run)];
      if (loss <= 0.1) {
        lines.push(line('sparse chat copies', cell, count, '1.05/(1-p)^2', run.copies, 1.05 * floor));
        // 200 nodes have 39,800 keepalives in 30 s whether anybody speaks or not: there they are told apart.
        const apart = nodes > 50;
        const packets = line('sparse chat packets', cell + (apart ? ', keepalives apart' : ''), count, '2.5',
          apart ? run.packets - run.mesh : run.packets, 2.5);
        lines.push({ ...packets, measured: `${packets.measured} (keepalives ${run.mesh.toFixed(2)})` });
      }
      const p99 = loss <= 0.1 ? 7 : 10;
      lines.push(line('isolated recovery p50, RTT', cell, count, '2.0', run.recovery(0.5), 2));
      lines.push(line('isolated recovery p99, RTT', cell, count, String(p99), run.recovery(0.99), p99));
      return lines;
    },
  };
}

const UPLINK = { uplinkBytesPerMs: 250, uplinkQueueBytes: 32_768, overheadBytes: 140 };

/** 200 nodes, one message of 200 B each second: 199 x 372 B into a queue of 32 kB. */
function uplinkRow(): Row {
  return {
    name: 'uplink', seeds: 10,
    run: (count) => {
      const cell = 'N = 200, 2 Mbit/s, 32 kB queue, 1 %';
      const run = tally(count, (seed) => {
        const sim = new Simulation({ seed, nodes: 200, network: { loss: 0.01, ...UPLINK } });
        warmUp(sim);
        sim.beginMeasuring();
        const end = stream(sim, { from: seed % 200, count: 10, perSecond: 1, length: 200 });
        sim.run(end);
        const settledMs = settle(sim, end);
        sim.run(sim.now + 1000);
        sim.endMeasuring();
        sim.finish();
        return takeCell(sim, settledMs);
      });
      const latency = run.latency(0.99);
      return [
        completeLine(cell, run),
        line('narrow uplink copies', cell, count, '1.05', run.copies, 1.05),
        { goal: 'narrow uplink latency p99', cell, seeds: count, bar: '(no bar)', measured: `${latency} ms`, pass: true },
      ];
    },
  };
}

/** Each of 200 nodes speaks once within a second. */
function stormRow(): Row {
  return {
    name: 'storm', seeds: 3,
    run: (count) => {
      const cell = 'storm, N = 200, each speaks once in 1 s, 5 %';
      const run = tally(count, (seed) => {
        const sim = new Simulation({ seed, nodes: 200, network: { loss: 0.05 } });
        warmUp(sim);
        sim.beginMeasuring();
        const random = sim.random.fork(9);
        for (const host of sim.hosts) sim.at(sim.now + random.below(1000), () => { sim.publish(host.index, 0, 200); });
        const end = sim.now + 1000;
        sim.run(end);
        const settledMs = settle(sim, end);
        sim.run(sim.now + 1000);
        sim.endMeasuring();
        sim.finish();
        return takeCell(sim, settledMs);
      });
      return [completeLine(cell, run), line('storm packets', cell, count, '2.5', run.packets, 2.5)];
    },
  };
}

/** Two groups of one node ask for 1.5 times what its uplink of 4 Mbit/s carries: no collapse, and each has its share. */
function overloadRow(): Row {
  return {
    name: 'overload', seeds: 5,
    run: (count) => {
      const cell = 'N = 20, two streams offering 6 Mbit/s into 4, 32 kB queue, 1 %';
      let delivered = 0;
      const shares: number[] = [];
      const run = tally(count, (seed) => {
        const groups = [{ name: 'a', options: { slow: 'block' as const } }, { name: 'b', options: { slow: 'block' as const } }];
        const network = { loss: 0.01, uplinkBytesPerMs: 500, uplinkQueueBytes: 32_768 };
        const sim = new Simulation({ seed, nodes: 20, network, groups });
        warmUp(sim);
        sim.beginMeasuring();
        const bytes = [0, 0];
        sim.deliveryListener = ({ message }) => { bytes[message.group]! += message.length; };
        for (let group = 0; group < 2; group++) stream(sim, { from: 0, group, count: 400, perSecond: 20, length: 1000 });
        sim.run(sim.now + 20_000);
        delivered += bytes[0]! + bytes[1]!;
        shares.push(Math.min(...bytes) / Math.max(1, ...bytes));
        sim.deliveryListener = null;
        const settledMs = settle(sim, sim.now);
        sim.run(sim.now + 1000);
        sim.endMeasuring();
        sim.finish();
        return takeCell(sim, settledMs);
      });
      const goodput = delivered / (count * 20_000 * 500);
      const share = Math.min(...shares);
      return [
        completeLine(cell, run),
        {
          goal: 'overload: payload delivered', cell, seeds: count, bar: '>= 75 % of the uplink', pass: goodput >= 0.75,
          measured: `${(100 * goodput).toFixed(1)} %, ${run.copies.toFixed(3)} copies`,
        },
        {
          goal: 'overload: smaller share', cell, seeds: count, bar: '>= 0.8 of the larger', measured: share.toFixed(3), pass: share >= 0.8,
        },
      ];
    },
  };
}

export const chatRows: readonly Row[] = [
  chatRow(20, 0.1, 10, 120), chatRow(20, 0.3, 10, 120), chatRow(200, 0.1, 3, 40), chatRow(200, 0.3, 2, 40), uplinkRow(),
  overloadRow(), stormRow(),
];
