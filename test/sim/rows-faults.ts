/** Rows on partitions, joins, the timely class, bursts and outages, SRM repair, memory, and the swarm. */
import { streamCell, takeCell } from './cells.ts';
import { percentile } from './metrics.ts';
import type { Line, Row } from './report-rows.ts';
import { completeLine, line, percent, RTT } from './rows-stream.ts';
import { Simulation } from './simulation.ts';
import { swarm } from './swarm.ts';
import { tally } from './tally.ts';
import { settle, stream, warmUp } from './workload.ts';

/** Half of 20 nodes is cut off while both halves speak; measured from the heal to the last delivery. */
function healRow(seconds: number): Row {
  return {
    name: `heal-${seconds}`, seeds: 10,
    run: (count) => {
      const cell = `partition of ${seconds} s, N = 20, 1 %`;
      const afterContact: number[] = [];
      const run = tally(count, (seed) => {
        const sim = new Simulation({ seed, nodes: 20, network: { loss: 0.01 } });
        warmUp(sim);
        sim.beginMeasuring();
        sim.network.partition(sim.hosts.map((_, index) => index % 2));
        for (let from = 0; from < 4; from++) stream(sim, { from, count: 20, perSecond: 2, length: 300 });
        sim.run(sim.now + seconds * 1000);
        sim.network.heal();
        const healedAt = sim.now;
        const contacts = new Contacts(sim);
        const settledMs = settle(sim, healedAt);
        afterContact.push(...contacts.delays);
        sim.endMeasuring();
        sim.run(Math.max(sim.now, healedAt + 35_000));
        sim.finish();
        return takeCell(sim, settledMs);
      });
      const worst = Math.max(0, ...afterContact) / 1000;
      return [completeLine(cell, run), line('caught up after first contact, s', cell, count, '2.5', worst, 2.5)];
    },
  };
}

/** Per pair: from the first datagram either way after the heal to the last message of that source at that receiver. */
class Contacts {
  #first = new Map<number, number>();
  #last = new Map<number, number>();

  constructor(sim: Simulation) {
    const key = (a: number, b: number): number => Math.min(a, b) * sim.hosts.length + Math.max(a, b);
    sim.arrivalListener = (from, to) => {
      if (!this.#first.has(key(from, to))) this.#first.set(key(from, to), sim.now);
    };
    sim.deliveryListener = ({ now, stream: { receiver, source } }) => { this.#last.set(key(receiver, source), now); };
  }

  get delays(): number[] {
    const delays: number[] = [];
    for (const [key, last] of this.#last) delays.push(last - this.#first.get(key)!);
    return delays;
  }
}

function joinRow(loss: number, seeds: number): Row {
  return {
    name: `join-${Math.round(loss * 100)}`, seeds,
    run: (count) => {
      const cell = `a join, N = 200, ${percent(loss)}`;
      const delays: number[] = [];
      const problems: string[] = [];
      for (let seed = 1; seed <= count; seed++) {
        const sim = new Simulation({ seed, nodes: 200, network: { loss }, groups: [{ name: 'a', options: {} }, { name: 'b', options: {} }] });
        warmUp(sim, [0]);
        for (let joiner = 0; joiner < 3; joiner++) {
          const start = sim.now;
          let known = 0;
          sim.memberListener = (_host, group, member, state) => {
            if (group !== 0 || member !== joiner || state !== 'joined') return;
            known++;
            delays.push(sim.now - start);
          };
          // Leaving and joining again is a join of a node that all know already.
          sim.hosts[joiner]!.leave(0);
          sim.run(sim.now + 15_000);
          const joinedAt = sim.now;
          delays.length -= known;
          known = 0;
          sim.memberListener = (_host, group, member, state) => {
            if (group !== 0 || member !== joiner || state !== 'joined') return;
            known++;
            delays.push(sim.now - joinedAt);
          };
          sim.hosts[joiner]!.join(0);
          sim.run(sim.now + 10_000);
          if (known !== 199) problems.push(`seed ${seed}: ${known} of 199 know of the join`);
        }
        problems.push(...sim.violations.map((one) => one.text));
      }
      const p99 = percentile(delays, 0.99) / RTT;
      const max = percentile(delays, 1) / 1000;
      const lines: Line[] = [{
        goal: 'join known to all', cell, seeds: count, bar: 'all 199',
        measured: problems.length === 0 ? 'all' : problems[0]!, pass: problems.length === 0,
      }];
      if (loss <= 0.1) lines.push(line('join p99, RTT', cell, count, '7', p99, 7));
      else lines.push(line('join max, s', cell, count, '5', max, 5));
      return lines;
    },
  };
}

/** 1.5 Mbit/s in packets of 1,200 B: 156 a second of 1,120 B payload. */
function timelyRow(): Row {
  return {
    name: 'timely', seeds: 10,
    run: (count) => {
      const cell = 'timely, N = 20, 10 %, playout 400 ms';
      let inTime = 0;
      let late = 0;
      const run = tally(count, (seed) => {
        const sim = new Simulation({
          seed, nodes: 20, network: { loss: 0.1 }, groups: [{ name: 'radio', options: { delivery: 'timely', playoutMs: 400 } }],
        });
        warmUp(sim);
        sim.beginMeasuring();
        sim.sendDeadline = 400;
        sim.deliveryListener = ({ now, message }) => { if (now - message.time <= 400) inTime++; };
        const end = stream(sim, { from: 0, count: 1500, perSecond: 156, length: 1120 });
        sim.run(end);
        const settledMs = settle(sim, end);
        sim.run(sim.now + 1000);
        sim.endMeasuring();
        sim.finish();
        late += sim.sentTooLate;
        return takeCell(sim, settledMs);
      });
      const share = inTime / run.owed;
      return [
        { ...completeLine(cell, run), bar: 'all delivered or reported' },
        { goal: 'timely in time', cell, seeds: count, bar: '>= 99.9 %', measured: `${(100 * share).toFixed(3)} %`, pass: share >= 0.999 },
        line('timely copies', cell, count, '1.15', run.copies, 1.15),
        { goal: 'sent though it cannot arrive in time', cell, seeds: count, bar: '0', measured: String(late), pass: late === 0 },
      ];
    },
  };
}

function burstRow(name: string, cell: string, network: object): Row {
  return {
    name, seeds: 5,
    run: (count) => {
      const run = tally(count, (seed) => streamCell({ seed, nodes: 20, network }));
      return [
        completeLine(cell, run),
        {
          goal: 'bursts (no bar)', cell, seeds: count, bar: '-', pass: true,
          measured: `copies ${run.copies.toFixed(2)}, packets ${run.packets.toFixed(2)}, recovery p50 ` +
            `${run.recovery(0.5).toFixed(1)}, p99 ${run.recovery(0.99).toFixed(1)} RTT`,
        },
      ];
    },
  };
}

function swarmRow(): Row {
  return {
    name: 'swarm', seeds: 200,
    run: (count) => {
      let failed = '';
      let failures = 0;
      let slowest = 0;
      for (let seed = 1; seed <= count; seed++) {
        const { sim, settledMs } = swarm(seed);
        slowest = Math.max(slowest, settledMs);
        if (sim.violationCount === 0) continue;
        failures++;
        failed ||= `seed ${seed}: ${sim.violations[0]!.invariant}: ${sim.violations[0]!.text}`;
      }
      return [{
        goal: 'swarm', cell: 'faults drawn from the seed', seeds: count, bar: 'no violation', pass: failures === 0,
        measured: `${failures} seeds failed, slowest catch-up ${(slowest / 1000).toFixed(1)} s${failed ? `; ${failed}` : ''}`,
      }];
    },
  };
}

export const faultRows: readonly Row[] = [
  healRow(10), healRow(60), healRow(300), joinRow(0.1, 3), joinRow(0.3, 3), timelyRow(),
  burstRow('burst', 'stream, N = 20, Gilbert-Elliott 300 ms, 5 %', { burstShare: 0.05, burstMs: 300 }),
  burstRow('outage', 'stream, N = 20, uplink outages 300 ms, 5 %', { outageShare: 0.05, outageMs: 300 }),
  swarmRow(),
];
