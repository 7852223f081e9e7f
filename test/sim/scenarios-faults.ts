/** Scripted faults: partitions, crashes, clocks set back, frozen and slow nodes, hostile datagrams. */
import { injectMalformed } from './checkers/malformed.ts';
import { burst, groupsOf, judged, problemsOf, type Scenario, warmed } from './scenario.ts';
import type { Simulation } from './simulation.ts';
import { stream } from './workload.ts';

/** Cuts off node 0 for so long while it and another speak. */
function partitionFor(seconds: number, seed: number): string[] {
  const sim = warmed({ seed, nodes: 10, network: { loss: 0.02 } });
  sim.network.partition(sim.hosts.map((_, index) => (index === 0 ? 1 : 0)));
  sim.run(sim.now + 1000);
  burst(sim, 0, 10);
  burst(sim, 1, 10);
  sim.run(sim.now + seconds * 1000);
  burst(sim, 2, 3);
  sim.network.heal();
  return judged(sim);
}

function restartWithEpoch(seed: number, shift: number, downMs: number): string[] {
  const sim = warmed({ seed, nodes: 8, network: { loss: 0.1 } });
  burst(sim, 2, 10);
  sim.run(sim.now + 300);
  sim.hosts[2]!.stop(false);
  sim.run(sim.now + downMs);
  const startedAt = sim.now;
  sim.boot(2, undefined, sim.hosts[2]!.epoch + shift);
  sim.runUntil(() => sim.hosts[2]!.known[0]!.size === 7 && knownBy(sim, 2) === 7, startedAt + 30_000);
  burst(sim, 2, 10);
  burst(sim, 1, 10);
  return judged(sim);
}

/** How many others have node `index` as a member of group 0 under its present epoch. */
export function knownBy(sim: Simulation, index: number): number {
  const { epoch } = sim.hosts[index]!;
  return sim.hosts.filter((host) => host.known[0]!.get(index)?.epoch === epoch).length;
}

/** Random bytes and mutated real datagrams, from strangers and under members' names. */
function hostile(): string[] {
  const sim = warmed({ seed: 31, nodes: 5, network: { loss: 0.05 } });
  const random = sim.random.fork(3);
  for (let i = 0; i < 4000; i++) {
    const bytes = new Uint8Array(random.below(300));
    for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
    if (bytes.length >= 12 && bytes[0]! >> 4 === 1) bytes[0] = 0x20;
    const from = i % 2 === 0 ? 'fc66::1' : sim.addressOf(1);
    if (i % 8 === 0) injectMalformed(sim, sim.hosts[0]!, from, bytes);
    else sim.hosts[0]!.inject(from, bytes);
    if (i % 100 === 0) sim.publish(i % 5, 0, 100);
    sim.run(sim.now + 2);
  }
  return judged(sim);
}

/** Real datagrams with a few bytes changed, cut short, or sent by a stranger: safety only, of the nodes that get them. */
function mutated(): string[] {
  const sim = warmed({ seed: 32, nodes: 4, network: { loss: 0.05 } });
  const random = sim.random.fork(4);
  sim.network.dropRule = (from, to, bytes) => {
    if (to !== 0 || !random.chance(0.5)) return false;
    const changed = bytes.slice(0, random.chance(0.3) ? random.below(bytes.length + 1) : bytes.length);
    for (let i = random.below(4); i >= 0 && changed.length > 0; i--) changed[random.below(changed.length)] = random.below(256);
    sim.at(sim.now + 50, () => sim.hosts[0]!.inject(random.chance(0.5) ? sim.addressOf(from) : 'fc66::2', changed));
    return true;
  };
  sim.run(stream(sim, { from: 1, count: 400, perSecond: 50, length: 200 }));
  // A forged datagram may truly lose or invent something at node 0; it must not throw, spin or grow there.
  const allowed = /^(2|3|4|5|6|8|9|10) /;
  return problemsOf(sim).filter((text) => !allowed.test(text.replace(/^\d+ ms, /, '')));
}

export function faultScenarios(): Scenario[] {
  return [
    { name: 'a partition of 10 s heals', run: () => partitionFor(10, 21) },
    { name: 'a partition of 60 s heals', run: () => partitionFor(60, 22) },
    { name: 'a partition of 300 s heals', run: () => partitionFor(300, 23) },
    {
      name: 'a path that works one way only loses nothing',
      run: () => {
        const sim = warmed({ seed: 24, nodes: 6, network: { loss: 0.02 } });
        sim.network.partition([1, 0, 0, 0, 0, 0], true);
        burst(sim, 0, 10);
        burst(sim, 1, 10);
        sim.run(sim.now + 20_000);
        sim.network.heal();
        return judged(sim);
      },
    },
    { name: 'a node that crashes comes back with a higher epoch', run: () => restartWithEpoch(25, 5, 2000) },
    { name: 'a node that crashes comes back with its clock set back', run: () => restartWithEpoch(26, -50_000, 2000) },
    { name: 'a node restarts at once with the next epoch', run: () => restartWithEpoch(27, 1, 0) },
    {
      name: 'a source that dies after its last message leaves no silent hole',
      run: () => {
        const sim = warmed({ seed: 28, nodes: 8, network: { loss: 0.2 } });
        sim.run(stream(sim, { from: 0, count: 40, perSecond: 20, length: 200 }));
        sim.hosts[0]!.stop(false);
        sim.run(sim.now + 125_000);
        return judged(sim);
      },
    },
    {
      name: 'a frozen member holds nobody up and catches up',
      run: () => {
        const sim = warmed({ seed: 29, nodes: 6, network: { loss: 0.02 } });
        sim.hosts[5]!.pause(20_000);
        sim.run(stream(sim, { from: 0, count: 300, perSecond: 50, length: 600 }));
        sim.run(sim.now + 2000);
        const others = [1, 2, 3, 4].every((node) => sim.truth.messages.every((one) => one.settledSerial[node] !== 0));
        if (!others) sim.violate('4 completeness', 'the others waited for the frozen one');
        sim.run(sim.now + 20_000);
        return judged(sim);
      },
    },
    {
      name: 'a frozen member loses what the log must let go, with notice',
      run: () => {
        const sim = warmed({ seed: 30, nodes: 4, nodeOptions: { logBytesMax: 50_000 } });
        sim.hosts[3]!.pause(40_000);
        sim.run(sim.now + 1000);
        sim.run(stream(sim, { from: 0, count: 600, perSecond: 20, length: 1000 }));
        sim.run(sim.now + 15_000);
        const problems = judged(sim);
        if (sim.metrics.gapCopies === 0) problems.push('no gap was told');
        return problems;
      },
    },
    {
      name: 'CPU-starved nodes get everything late but whole',
      run: () => {
        const sim = warmed({ seed: 33, nodes: 6, network: { loss: 0.02 } });
        Object.assign(sim.network.options, { stallShare: 0.3, stallMs: 400, handleUs: 500 });
        sim.run(stream(sim, { from: 0, count: 200, perSecond: 20, length: 500 }));
        Object.assign(sim.network.options, { stallShare: 0, handleUs: 0 });
        return judged(sim);
      },
    },
    { name: 'random datagrams change nothing', run: hostile },
    { name: 'mutated datagrams neither throw, spin nor grow', run: mutated },
    {
      name: 'a timely stream repairs before its deadline only',
      run: () => {
        const groups = groupsOf({ delivery: 'timely', playoutMs: 400 });
        const sim = warmed({ seed: 34, nodes: 5, network: { loss: 0.1 }, groups });
        sim.run(stream(sim, { from: 0, count: 500, perSecond: 150, length: 1100 }));
        return judged(sim);
      },
    },
  ];
}
