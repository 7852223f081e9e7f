/**
 * Scripted scenarios: one situation each, deterministic, over in a second or two. Each returns what went wrong, nothing when
 * all is well. The checkers watch all of them.
 */
import { chatCell, streamCell } from './cells.ts';
import { compareTraces } from './checkers/same-trace.ts';
import { burst, groupsOf, judged, rested, type Scenario, warmed } from './scenario.ts';
import { faultScenarios } from './scenarios-faults.ts';
import { hostileScenarios } from './scenarios-hostile.ts';
import { memberScenarios } from './scenarios-members.ts';
import { meshScenarios } from './scenarios-meshes.ts';
import { stream } from './workload.ts';

const loadScenarios: Scenario[] = [
  {
    name: 'a stream to 20 nodes at 10 % loss arrives whole, in order, once',
    run: () => streamCell({ seed: 1, nodes: 20, network: { loss: 0.1 } }, 200).violations,
  },
  {
    name: 'sparse chat among 20 nodes at 30 % loss arrives whole',
    run: () => chatCell({ seed: 2, nodes: 20, network: { loss: 0.3 } }, 1, 60).violations,
  },
  {
    name: 'each of 60 nodes speaks within one second',
    run: () => {
      const sim = warmed({ seed: 3, nodes: 60, network: { loss: 0.05 } });
      const random = sim.random.fork(1);
      for (const host of sim.hosts) sim.at(sim.now + random.below(1000), () => { sim.publish(host.index, 0, 200); });
      sim.run(sim.now + 1000);
      return judged(sim);
    },
  },
  {
    name: 'reordering, duplicates and jitter make no holes and no copies',
    run: () => streamCell({
      seed: 4, nodes: 10,
      network: { loss: 0.05, reorder: 0.1, reorderMs: 80, duplicate: 0.1, jitterMs: 20 },
    }, 200).violations,
  },
  {
    name: 'messages of 64 KiB come through 10 % loss whole',
    run: () => {
      const sim = warmed({ seed: 5, nodes: 5, network: { loss: 0.1 } });
      for (let i = 0; i < 3; i++) sim.publish(0, 0, 65_536);
      burst(sim, 0, 5);
      sim.publish(1, 0, 1153);
      return judged(sim);
    },
  },
  {
    name: 'a message to one member goes to nobody else',
    run: () => {
      const sim = warmed({ seed: 6, nodes: 6, network: { loss: 0.1 } });
      burst(sim, 0, 10, 300, 0, 3);
      burst(sim, 0, 10);
      sim.publish(3, 0, 5000, 0);
      return judged(sim);
    },
  },
  {
    name: 'unordered groups deliver each message once, as it comes',
    run: () => {
      const sim = warmed({ seed: 7, nodes: 10, network: { loss: 0.2 }, groups: groupsOf({ ordered: false }) });
      sim.run(stream(sim, { from: 0, count: 100, perSecond: 50, length: 300 }));
      for (let i = 0; i < 3; i++) sim.publish(1, 0, 4000);
      return judged(sim);
    },
  },
  {
    name: 'at rest only keepalives and gossip are sent',
    run: () => {
      const sim = warmed({ seed: 8, nodes: 8, network: { loss: 0.05 } });
      burst(sim, 0, 5);
      burst(sim, 3, 5);
      return rested(sim, 30_000);
    },
  },
  {
    name: 'the same seed makes the same trace',
    run: () => {
      const { problem } = compareTraces(() => streamCell({
        seed: 9, nodes: 6, network: { loss: 0.2, reorder: 0.05, reorderMs: 30, jitterMs: 5 },
      }, 50).sim);
      return problem === '' ? [] : [problem];
    },
  },
];

export const scenarios: readonly Scenario[] = [
  ...loadScenarios, ...faultScenarios(), ...memberScenarios(), ...meshScenarios(), ...hostileScenarios(),
];
