/** Scripted membership: late joins, leaves, unknown members, many groups, SRM repair. */
import { burst, groupsOf, judged, type Scenario, warmed } from './scenario.ts';
import { Simulation } from './simulation.ts';
import { stream } from './workload.ts';

/** Node 3 joins late; @returns how many of the first 10 messages it got, and the problems. */
function lateJoin(seed: number, start: 'now' | 'all' | { last: number }): { got: number; problems: string[] } {
  const sim = new Simulation({ seed, nodes: 5, network: { loss: 0.1 }, groups: groupsOf({ start }) });
  for (let index = 0; index < 5; index++) sim.boot(index, index === 3 ? [] : [0]);
  sim.run(20_000);
  burst(sim, 0, 10);
  sim.run(sim.now + 5000);
  let got = 0;
  sim.deliveryListener = ({ stream: { receiver }, message }) => { if (receiver === 3 && message.id < 10) got++; };
  sim.hosts[3]!.join(0);
  sim.runUntil(() => sim.hosts[0]!.known[0]!.has(3), sim.now + 5000);
  burst(sim, 0, 5);
  return { problems: judged(sim), got };
}

export function memberScenarios(): Scenario[] {
  return [
    {
      name: 'a late joiner starts now, at the last K, or at all that is kept',
      run: () => {
        const now = lateJoin(41, 'now');
        const last = lateJoin(42, { last: 4 });
        const all = lateJoin(43, 'all');
        const problems = [...now.problems, ...last.problems, ...all.problems];
        if (now.got !== 0) problems.push(`start now: got ${now.got} old messages`);
        if (last.got !== 4) problems.push(`start last 4: got ${last.got}`);
        if (all.got !== 10) problems.push(`start all: got ${all.got} of 10`);
        return problems;
      },
    },
    {
      name: 'nodes come and go while others speak',
      run: () => {
        const sim = warmed({ seed: 44, nodes: 10, network: { loss: 0.1 } });
        const random = sim.random.fork(2);
        for (let i = 0; i < 60; i++) {
          const host = sim.hosts[random.between(2, 9)]!;
          if (host.inGroup[0]) host.leave(0);
          else host.join(0);
          sim.publish(random.below(2), 0, 200);
          sim.run(sim.now + random.below(800));
        }
        return judged(sim);
      },
    },
    {
      name: 'who joins, leaves and speaks while they are parted is known to all when they meet again',
      run: () => {
        const sim = warmed({ seed: 48, nodes: 6, network: { loss: 0.05 }, groups: groupsOf({}, { start: 'all' }) });
        const random = sim.random.fork(2);
        for (let round = 0; round < 4; round++) {
          sim.network.partition(sim.hosts.map(() => random.below(2)));
          const end = sim.now + [20_000, 60_000, 130_000, 300_000][round]!;
          while (sim.now < end) {
            sim.run(sim.now + random.between(500, 8000));
            const host = sim.hosts[random.below(6)]!;
            const group = random.below(2);
            if (random.chance(0.5)) sim.publish(host.index, group, 300, random.chance(0.3) ? (host.index + 1) % 6 : -1);
            else host.inGroup[group] ? host.leave(group) : host.join(group);
          }
          sim.network.heal();
          sim.run(sim.now + 40_000);
          sim.finish();
        }
        return judged(sim);
      },
    },
    {
      name: 'two groups of a node do not mix and both get their share',
      run: () => {
        const sim = warmed({ seed: 45, nodes: 6, network: { loss: 0.05 }, groups: groupsOf({}, {}, { ordered: false }) });
        for (let group = 0; group < 3; group++) stream(sim, { from: group, group, count: 60, perSecond: 30, length: 400 });
        sim.run(sim.now + 2000);
        return judged(sim);
      },
    },
    {
      name: 'SRM repair delivers everything at 20 % loss',
      run: () => {
        const sim = warmed({ seed: 46, nodes: 10, network: { loss: 0.2 }, groups: groupsOf({ repair: 'srm' }) });
        sim.run(stream(sim, { from: 0, count: 60, perSecond: 10, length: 300 }));
        burst(sim, 4, 3);
        return judged(sim);
      },
    },
    {
      name: 'a log under policy block refuses instead of losing',
      run: () => {
        const sim = warmed({
          seed: 47, nodes: 3, network: { loss: 0.02 }, groups: groupsOf({ slow: 'block' }), nodeOptions: { logBytesMax: 30_000 },
        });
        let refused = 0;
        let room = 0;
        sim.roomListener = () => { room++; };
        sim.hosts[2]!.pause(4000);
        for (let i = 0; i < 200; i++) {
          if (sim.publish(0, 0, 1000) < 0) refused++;
          sim.run(sim.now + 20);
        }
        const problems = judged(sim);
        if (refused === 0) problems.push('nothing was refused');
        if (room === 0) problems.push('room() was never called');
        if (sim.metrics.gapCopies > 0) problems.push(`${sim.metrics.gapCopies} copies lost under block`);
        return problems;
      },
    },
    {
      name: 'a node that nobody told of a member finds it by its STATUS or by gossip',
      run: () => {
        const sim = new Simulation({ seed: 48, nodes: 5, network: { loss: 0.1 } });
        // A chain of acquaintance: each knows its neighbour only.
        for (let index = 0; index < 5; index++) sim.bootKnowing(index, index === 0 ? [] : [index - 1]);
        sim.run(150_000);
        sim.beginMeasuring();
        burst(sim, 0, 5);
        return judged(sim);
      },
    },
  ];
}
