/**
 * Swarm mode: the faults, the groups and the load are drawn from the seed. Three phases: safety (everything breaks, nothing
 * wrong may be told), heal, liveness (everything owed must come, everybody must agree, then it must be quiet). In some runs
 * they are parted once more, for so long that they may be gone to each other, join, leave and speak, and meet again.
 */
import type { GroupOptions } from '../../src/multicast/options.ts';
import { CALM, type NetworkOptions } from './network-options.ts';
import { injectMalformed } from './checkers/malformed.ts';
import { MeshFaults } from './mesh-faults.ts';
import type { MeshSpec } from './meshes.ts';
import { Prng } from './prng.ts';
import { type GroupSpec, Simulation } from './simulation.ts';

/** Everything owed must be settled so long, and so many round trips, after the heal. */
export const LIVENESS_MS = 30_000;
const LIVENESS_RTTS = 30;
/** A source that died is given up after 90 s; then there is nothing left to wait for. */
const QUIET_AFTER_MS = 130_000;
const QUIET_MS = 40_000;
const STEPS_MAX = 400;
const PARTED_MS_MIN = 20_000;
const PARTED_MS_MAX = 200_000;

export interface SwarmResult {
  sim: Simulation;
  summary: string;
  /** ms from the heal to the last thing owed, -1: never. */
  settledMs: number;
}

export function swarm(seed: number, listener?: (line: string) => void): SwarmResult {
  const random = new Prng(seed, 99);
  const nodes = random.chance(0.1) ? random.between(24, 48) : random.between(2, 14);
  const network = drawNetwork(random);
  const groups = drawGroups(random);
  const sim = new Simulation({ seed, nodes, network, groups, ...(listener ? { listener } : {}) });
  const run = new SwarmRun(sim, random);
  const summary = `seed ${seed}: ${nodes} nodes, ${groups.map((group) => describe(group.options)).join(' | ')}; ` +
    describeNetwork(network);
  listener?.(summary);
  return { sim, summary, settledMs: run.run() };
}

function describe(options: GroupOptions): string {
  return Object.entries(options).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ') || 'default';
}

function describeNetwork(network: Partial<NetworkOptions>): string {
  return Object.entries(network).map(([name, value]) => `${name} ${Number(value.toFixed(3))}`).join(', ');
}

function drawNetwork(random: Prng): Partial<NetworkOptions> {
  const network: Partial<NetworkOptions> = { rttMs: random.pick([2, 20, 100, 100, 300, 1000]), jitterMs: random.pick([0, 1, 20]) };
  if (random.chance(0.6)) network.loss = random.pick([0.01, 0.05, 0.1, 0.3]);
  if (random.chance(0.3)) Object.assign(network, { reorder: 0.05, reorderMs: random.pick([20, 50, 200]) });
  if (random.chance(0.3)) network.duplicate = random.pick([0.01, 0.2]);
  if (random.chance(0.2)) network.corrupt = 0.01;
  if (random.chance(0.2)) Object.assign(network, { burstShare: 0.05, burstMs: random.pick([50, 300, 2000]) });
  if (random.chance(0.2)) Object.assign(network, { outageShare: 0.05, outageMs: random.pick([50, 300, 2000]) });
  if (random.chance(0.2)) Object.assign(network, { uplinkBytesPerMs: random.pick([64, 250, 1000]), uplinkQueueBytes: 32768 });
  if (random.chance(0.2)) Object.assign(network, { stallShare: 0.1, stallMs: random.pick([20, 200, 1000]) });
  if (random.chance(0.1)) Object.assign(network, { handleUs: random.pick([200, 2000]), receiveBufferBytes: 65536 });
  return network;
}

function drawGroups(random: Prng): GroupSpec[] {
  const groups: GroupSpec[] = [];
  const count = random.between(1, 3);
  for (let i = 0; i < count; i++) {
    const options: GroupOptions = {};
    if (random.chance(0.25)) options.ordered = false;
    if (random.chance(0.15)) Object.assign(options, { delivery: 'timely', playoutMs: random.pick([200, 400, 2000]) });
    if (random.chance(0.3)) options.repair = 'srm';
    if (random.chance(0.3)) options.slow = random.pick(['block', 'evict'] as const);
    if (random.chance(0.3)) options.start = random.pick(['all', { last: 5 }] as const);
    groups.push({ name: `group-${i}`, options });
  }
  return groups;
}

/** A second mesh: who is on which, and whether its addresses are bound to keys. */
function drawMeshes(random: Prng, nodes: number): { further: MeshSpec[]; isOn: (node: number, mesh: number) => boolean; lost: number } {
  const bound = random.chance(0.8);
  const partial = random.chance(0.3);
  const places = Array.from({ length: nodes }, () => (partial ? random.pick([-1, -1, 0, 1]) : -1));
  const lost = bound && !partial && random.chance(0.3) ? random.below(2) : -1;
  return { further: [{ network: drawNetwork(random), bound }], isOn: (node, mesh) => places[node] !== 1 - mesh, lost };
}

/** The same on two meshes; other draws, so that a seed of one says nothing of the other. */
export function swarmTwo(seed: number, listener?: (line: string) => void): SwarmResult {
  const random = new Prng(seed, 199);
  const nodes = random.chance(0.1) ? random.between(24, 40) : random.between(3, 14);
  const network = drawNetwork(random);
  const groups = drawGroups(random);
  const { further, isOn, lost } = drawMeshes(random, nodes);
  const sim = new Simulation({ seed, nodes, network, further, isOn, groups, ...(listener ? { listener } : {}) });
  const faults = new MeshFaults(sim, new Prng(seed, 299));
  const summary = `two, seed ${seed}: ${nodes} nodes, ${groups.map((group) => describe(group.options)).join(' | ')}; ` +
    [network, further[0]!.network!].map(describeNetwork).join(' // ') + (further[0]!.bound ? '' : ', keyless') +
    `, on ${sim.hosts.map(({ index }) => sim.meshes.has.map((nodes) => Number(nodes[index])).join('')).join(' ')}${lost < 0 ? '' : `, loses ${lost}`}`;
  listener?.(summary);
  return { sim, summary, settledMs: new SwarmRun(sim, random, faults, lost).run() };
}

/** One run's state: who is down, what is cut. */
class SwarmRun {
  #sim: Simulation;
  #random: Prng;
  #restartAt = new Map<number, number>();
  /** On several meshes: what else breaks, and which mesh never works again after the heal. */
  #faults: MeshFaults | null;
  #lost: number;

  constructor(sim: Simulation, random: Prng, faults: MeshFaults | null = null, lost = -1) {
    this.#sim = sim;
    this.#random = random;
    this.#faults = faults;
    this.#lost = lost;
  }

  run(): number {
    const sim = this.#sim;
    const random = this.#random;
    for (let index = 0; index < sim.hosts.length; index++) {
      sim.at(random.chance(0.7) ? random.below(500) : random.below(20_000), () => this.#boot(index));
    }
    const end = random.between(20, 90) * 1000;
    let steps = 0;
    while (sim.now < end && steps++ < STEPS_MAX) {
      sim.run(sim.now + random.between(1, random.chance(0.3) ? 3000 : 400));
      this.#step();
      this.#faults?.step();
    }
    this.#heal();
    const healedAt = sim.now;
    sim.run(healedAt + 5000);
    for (const host of sim.hosts) for (let group = 0; group < host.groups.length; group++) sim.publish(host.index, group, 100);
    const limit = LIVENESS_MS + LIVENESS_RTTS * Math.max(...sim.meshes.networks.map(({ options }) => options.rttMs));
    const settled = sim.runUntil(() => this.#settled(), healedAt + 5000 + limit);
    const settledMs = settled ? Math.max(0, sim.metrics.lastDeliveryAt - healedAt) : -1;
    if (!settled) this.#reportLate(limit);
    if (random.chance(0.4)) this.#part(limit);
    sim.run(sim.now + QUIET_AFTER_MS);
    sim.finish();
    sim.checkers.silence.begin();
    sim.run(sim.now + QUIET_MS);
    sim.checkers.silence.end();
    return settledMs;
  }

  #part(limit: number): void {
    const sim = this.#sim;
    const random = this.#random;
    const sides = sim.hosts.map(() => random.below(2));
    for (const network of sim.meshes.networks) network.partition(sides);
    sim.log(0, 'parted');
    const end = sim.now + random.between(PARTED_MS_MIN, PARTED_MS_MAX);
    while (sim.now < end) {
      sim.run(sim.now + random.between(1, 10_000));
      const host = sim.hosts[random.below(sim.hosts.length)]!;
      const group = random.below(sim.groups.length);
      if (random.chance(0.5)) this.#publish(host.index, group);
      else if (host.running) host.inGroup[group] ? host.leave(group) : host.join(group);
    }
    this.#faults === null ? sim.network.heal() : this.#faults.heal(this.#lost);
    sim.log(0, 'meet again');
    if (!sim.runUntil(() => this.#settled(), sim.now + limit)) this.#reportLate(limit);
    sim.run(sim.now + limit);
    sim.checkers.subscriptions.finished();
  }

  #settled(): boolean {
    return this.#sim.checkers.completeness.missing().count === 0;
  }

  #reportLate(limit: number): void {
    const { count, message, receiver } = this.#sim.checkers.completeness.missing();
    if (message === null) return;
    this.#sim.violate('4 completeness', `${count} copies still owed ${limit} ms after the heal; first: message ` +
      `${message.id} of node ${message.source} (group ${message.group} seq ${message.seq}) at node ${receiver}`);
  }

  #boot(index: number): void {
    if (this.#sim.hosts[index]!.running || this.#restartAt.has(index)) return;
    const groups = this.#sim.groups.map((_, group) => group).filter(() => this.#random.chance(0.85));
    this.#sim.boot(index, groups);
  }

  #step(): void {
    const sim = this.#sim;
    const random = this.#random;
    const index = random.below(sim.hosts.length);
    const host = sim.hosts[index]!;
    const group = random.below(sim.groups.length);
    for (const [down, time] of this.#restartAt) if (time <= sim.now) this.#restart(down);
    const what = random.below(100);
    if (what < 45) this.#publish(index, group);
    else if (what < 52) sim.sendDatagram(index, group, random.between(12, 1000));
    else if (what < 62) host.inGroup[group] ? host.leave(group) : host.join(group);
    else if (what < 70) this.#crash(index);
    else if (what < 76) host.pause(random.pick([50, 500, 5000, 20_000]));
    else if (what < 83) this.#partition();
    else if (what < 90) sim.network.heal();
    else if (what < 95) this.#hostile(index);
    else sim.network.options.loss = random.pick([0, 0.05, 0.3, 0.5]);
  }

  #publish(index: number, group: number): void {
    const random = this.#random;
    const sim = this.#sim;
    const length = random.pick([12, 100, 400, 1000, 1152, 1153, 5000, random.chance(0.1) ? 65_536 : 3000]);
    const to = random.chance(0.15) ? random.below(sim.hosts.length) : -1;
    const count = random.chance(0.2) ? random.between(2, 40) : 1;
    for (let i = 0; i < count; i++) if (to !== index) sim.publish(index, group, length, to);
  }

  #crash(index: number): void {
    const random = this.#random;
    if (!this.#sim.hosts[index]!.running) return;
    this.#sim.log(index, 'stops');
    this.#sim.hosts[index]!.stop(random.chance(0.3));
    this.#restartAt.set(index, this.#sim.now + random.pick([1, 500, 3000, 40_000]));
  }

  #restart(index: number): void {
    const sim = this.#sim;
    const random = this.#random;
    this.#restartAt.delete(index);
    const back = random.chance(0.3) ? Math.max(1, sim.hosts[index]!.epoch - random.between(1, 100_000)) : undefined;
    sim.boot(index, sim.groups.map((_, group) => group).filter(() => random.chance(0.85)), back);
  }

  #partition(): void {
    const sim = this.#sim;
    const sides = this.#random.between(2, 3);
    sim.network.partition(sim.hosts.map(() => this.#random.below(sides)), this.#random.chance(0.3));
    sim.log(0, 'partition');
  }

  #hostile(index: number): void {
    const random = this.#random;
    const bytes = new Uint8Array(random.between(0, 200));
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
    // Version 0 or 2 … 15, or too short for a header: nothing of it may be believed, whoever sent it.
    if (bytes.length > 0 && bytes[0]! >> 4 === 1) bytes[0]! ^= 0x80;
    const sender = random.chance(0.5) ? this.#sim.addressOf(random.below(this.#sim.hosts.length)) : 'fc66::66';
    injectMalformed(this.#sim, this.#sim.hosts[index]!, sender, bytes);
  }

  #heal(): void {
    const sim = this.#sim;
    const random = this.#random;
    Object.assign(sim.network.options, CALM, { loss: random.pick([0, 0.01, 0.1]) });
    sim.network.heal();
    sim.log(0, 'heals');
    this.#faults?.heal(this.#lost);
    for (const host of sim.hosts) host.wake();
    for (const [index] of [...this.#restartAt]) if (random.chance(0.8)) this.#restart(index);
  }
}
