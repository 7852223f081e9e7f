/** Scripted: nodes with addresses on two meshes, and what becomes of the conversation when one of these breaks. */
import { cutMesh } from './mesh-faults.ts';
import type { MeshSpec } from './meshes.ts';
import type { NetworkOptions } from './network-options.ts';
import { burst, judged, rested, type Scenario } from './scenario.ts';
import { Simulation } from './simulation.ts';
import { chat, stream, warmUp } from './workload.ts';

interface TwoMeshes {
  seed: number;
  nodes: number;
  first?: Partial<NetworkOptions>;
  second?: MeshSpec;
}

/** All nodes on both meshes, knowing each other, with nothing said yet. */
function both({ seed, nodes, first, second }: TwoMeshes): Simulation {
  const sim = new Simulation({ seed, nodes, network: { rttMs: 60, ...first }, further: [second ?? { network: { rttMs: 20 } }] });
  warmUp(sim);
  sim.run(sim.now + 3000);
  sim.beginMeasuring();
  return sim;
}

function cut(sim: Simulation, mesh: number): void {
  cutMesh(sim.meshes.networks[mesh]!, sim.hosts.length);
}

function heal(sim: Simulation): void {
  for (const network of sim.meshes.networks) network.heal();
}

/** judged(), and nobody may have left, come, or got something twice or not at all: one of the ways was there all the time. */
function unharmed(sim: Simulation, events: readonly string[], limitMs = 30_000): string[] {
  const problems = judged(sim, sim.now, limitMs);
  const { doubled } = sim.checkers.atMostOnce;
  if (sim.metrics.gapCopies + doubled > 0) problems.push(`${sim.metrics.gapCopies} copies are gaps, ${doubled} came twice`);
  return [...problems, ...events.slice(0, 3).map((event) => `membership changed: ${event}`)];
}

/** What is told of members from here on. @param expected a word that may be among it */
function watched(sim: Simulation, expected = ''): string[] {
  const events: string[] = [];
  sim.memberListener = (host, _group, member, state) => {
    if (state !== expected) events.push(`at ${host.index}, ${member} ${state}`);
  };
  return events;
}

/** While all speak a mesh fails for so long, and comes back. */
function failure(seed: number, mesh: number, forMs: number): string[] {
  const sim = both({ seed, nodes: 8 });
  const events = watched(sim);
  const end = chat(sim, sim.random.fork(50), 8, 10 + forMs / 1000, 200);
  sim.run(sim.now + 5000);
  cut(sim, mesh);
  sim.run(sim.now + forMs);
  heal(sim);
  sim.run(end);
  return unharmed(sim, events);
}

function flapping(): string[] {
  const sim = both({ seed: 62, nodes: 6 });
  const events = watched(sim);
  const end = chat(sim, sim.random.fork(50), 10, 60, 200);
  for (let round = 0; sim.now < end; round++) {
    if (round % 2 === 0) cut(sim, (round / 2) % 2);
    else heal(sim);
    sim.run(sim.now + 3000);
  }
  heal(sim);
  return unharmed(sim, events);
}

/** One direction of one node's way is dumb, first to it, then from it; on either mesh. */
function oneDirection(): string[] {
  const sim = both({ seed: 63, nodes: 6 });
  const events = watched(sim);
  chat(sim, sim.random.fork(50), 8, 100, 200);
  for (const network of sim.meshes.networks) {
    for (const deaf of [true, false]) {
      network.partition(sim.hosts.map(({ index }) => ((index === 0) === deaf ? 1 : 0)), true);
      sim.run(sim.now + 20_000);
      heal(sim);
      sim.run(sim.now + 4000);
    }
  }
  sim.run(sim.now + 5000);
  return unharmed(sim, events);
}

/** A node's address on one mesh goes, and comes back; then that on the other. */
function addressAway(): string[] {
  const sim = both({ seed: 64, nodes: 8, first: { loss: 0.02 } });
  const events = watched(sim);
  chat(sim, sim.random.fork(50), 8, 130, 200);
  for (const mesh of [0, 1]) {
    sim.run(sim.now + 3000);
    sim.hosts[2]!.lower(mesh);
    sim.run(sim.now + 50_000);
    sim.hosts[2]!.raise(mesh);
    sim.run(sim.now + 10_000);
  }
  sim.run(sim.now + 5000);
  return unharmed(sim, events);
}

/** Two know both meshes, three one each. Who shares none with another is no member of his. */
function mixed(): string[] {
  const places = [-1, -1, 0, 0, 0, 1, 1, 1];
  const isOn = (node: number, mesh: number): boolean => places[node] !== 1 - mesh;
  const sim = new Simulation({ seed: 65, nodes: 8, network: { loss: 0.1 }, further: [{ network: { rttMs: 20 } }], isOn });
  sim.bootAll();
  sim.run(20_000);
  sim.beginMeasuring();
  for (const { index } of sim.hosts) burst(sim, index, 5);
  const problems = judged(sim);
  const sizes = sim.hosts.map(({ known }) => known[0]!.size).join(' ');
  return sizes === '7 7 4 4 4 4 4 4' ? problems : [...problems, `members: ${sizes}`];
}

/** The second mesh comes up later, at one node after the other, while all speak. */
function oneAfterTheOther(): string[] {
  const sim = new Simulation({ seed: 66, nodes: 8, network: { loss: 0.05 }, further: [{ network: { rttMs: 20 } }] });
  for (const host of sim.hosts) host.lower(1);
  warmUp(sim);
  sim.beginMeasuring();
  const events = watched(sim);
  const end = chat(sim, sim.random.fork(50), 8, 40, 200);
  for (const host of sim.hosts) sim.at(sim.now + 2000 * host.index, () => host.raise(1));
  sim.run(end);
  return unharmed(sim, events);
}

/** A node starts anew while one of the meshes is down, which comes up later. */
function restart(mesh: number): string[] {
  const sim = both({ seed: 67 + mesh, nodes: 6 });
  cut(sim, mesh);
  sim.run(sim.now + 2000);
  sim.hosts[1]!.stop(false);
  sim.run(sim.now + 1500);
  sim.boot(1);
  sim.run(sim.now + 20_000);
  burst(sim, 1, 5);
  burst(sim, 0, 5);
  sim.run(sim.now + 20_000);
  heal(sim);
  // That the node has ended by its other name too is told when that is heard.
  const events = watched(sim, 'restarted');
  const end = chat(sim, sim.random.fork(50), 8, 20, 200);
  sim.run(end);
  return unharmed(sim, events);
}

/** The lossy mesh is the one that is used, as its addresses sort first. */
function lossy(): string[] {
  const sim = both({ seed: 69, nodes: 20, second: { network: { rttMs: 100, loss: 0.3 } } });
  const events = watched(sim);
  sim.run(stream(sim, { from: 0, count: 150, perSecond: 30, length: 600 }));
  sim.run(sim.now + 60_000); // of 380 pairs some lose the same list again and again
  return unharmed(sim, events);
}

/** One mesh binds addresses to keys and the other does not: while the former works the latter's are no members. */
function keyless(): string[] {
  const sim = both({ seed: 70, nodes: 6, second: { network: { rttMs: 20 }, bound: false } });
  const events = watched(sim);
  chat(sim, sim.random.fork(50), 8, 40, 200);
  sim.run(sim.now + 5000);
  cut(sim, 1);
  sim.run(sim.now + 10_000);
  heal(sim);
  sim.run(sim.now + 30_000);
  const names = sim.hosts.flatMap((host) => host.groups[0]!.members().map(({ id }) => id));
  const problems = unharmed(sim, events);
  return names.every((id) => id.startsWith('fc')) ? problems : [...problems, `members ${names.join()}`];
}

function atRest(): string[] {
  const sim = both({ seed: 71, nodes: 6, first: { loss: 0.05 } });
  burst(sim, 0, 5);
  return rested(sim, 60_000);
}

export function meshScenarios(): Scenario[] {
  return [
    { name: 'two meshes: one fails for 10 s, nobody notices', run: () => [...failure(60, 0, 10_000), ...failure(60, 1, 10_000)] },
    { name: 'two meshes: one fails for two minutes, nobody notices', run: () => failure(61, 1, 120_000) },
    { name: 'two meshes that come and go in turn every 3 s', run: flapping },
    { name: 'two meshes: one direction of one way is dumb', run: oneDirection },
    { name: 'two meshes: an address goes and comes back', run: addressAway },
    { name: 'two meshes: some nodes are on one only', run: mixed },
    { name: 'two meshes: the second comes up at one node after the other', run: oneAfterTheOther },
    { name: 'two meshes: a node starts anew while one is down', run: () => [...restart(0), ...restart(1)] },
    { name: 'two meshes: 30 % loss on the one, none on the other', run: lossy },
    { name: 'two meshes: one of them without keys', run: keyless },
    { name: 'two meshes: at rest only greetings are sent', run: atRest },
  ];
}
