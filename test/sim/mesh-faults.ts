/**
 * What breaks on several meshes, beside the faults of a single one: a whole mesh fails, for a while or again and again, one
 * direction of a way is dumb, an address goes and comes back. Everything follows from its own random numbers.
 */
import { CALM } from './network-options.ts';
import type { Network } from './network.ts';
import type { Prng } from './prng.ts';
import type { Simulation } from './simulation.ts';

const FLAP_MS = 3000;

/** All of a mesh, in both directions. */
export function cutMesh(network: Network, nodes: number): void {
  network.partition(Array.from({ length: nodes }, (_, node) => node));
}

export class MeshFaults {
  #sim: Simulation;
  #random: Prng;
  /** Addresses that come back: [node, mesh] as one number -> when. */
  #raiseAt = new Map<number, number>();
  #healAt: number[];
  #flapsLeft = 0;
  #flapAt = Infinity;

  constructor(sim: Simulation, random: Prng) {
    this.#sim = sim;
    this.#random = random;
    this.#healAt = sim.meshes.networks.map(() => Infinity);
    // Meshes come up one after the other: at some nodes, one of the two is late.
    for (const host of sim.hosts) {
      if (random.chance(0.3)) this.#lower(host.index, random.below(sim.meshes.count), random.pick([500, 3000, 20_000]));
    }
  }

  step(): void {
    const sim = this.#sim;
    const random = this.#random;
    this.#due();
    if (!random.chance(0.2)) return;
    const mesh = random.below(sim.meshes.count);
    const network = sim.meshes.networks[mesh]!;
    const node = random.below(sim.hosts.length);
    const what = random.below(100);
    if (what < 20) this.#cut(mesh, random.pick([500, 5000, 20_000, 60_000]));
    else if (what < 30) this.#flap();
    else if (what < 50) this.#lower(node, mesh, random.pick([10, 1000, 15_000, 60_000]));
    else if (what < 65) this.#deafen(node, network, random.pick([2000, 10_000, 40_000]));
    else if (what < 75) network.partition(sim.hosts.map(() => random.below(2)), random.chance(0.3));
    else if (what < 90) network.options.loss = random.pick([0, 0.05, 0.15, 0.3]);
    else network.heal();
  }

  /** @param lost a mesh that never works again, -1: none */
  heal(lost: number): void {
    const { hosts, meshes } = this.#sim;
    this.#flapsLeft = 0;
    this.#healAt.fill(Infinity);
    this.#flapAt = Infinity;
    for (const { mesh, options } of meshes.networks) {
      if (mesh > 0) Object.assign(options, CALM, { loss: this.#random.pick([0, 0.01, 0.1]) });
      meshes.networks[mesh]!.heal();
      for (const host of hosts) host.raise(mesh);
    }
    const network = meshes.networks[lost];
    if (network === undefined) return;
    this.#sim.log(0, `mesh ${lost} never works again`);
    cutMesh(network, hosts.length);
  }

  #due(): void {
    const { hosts, meshes, now } = this.#sim;
    for (const [key, time] of this.#raiseAt) {
      if (time > now) continue;
      this.#raiseAt.delete(key);
      hosts[Math.floor(key / meshes.count)]!.raise(key % meshes.count);
    }
    for (const [mesh, time] of this.#healAt.entries()) {
      if (time > now) continue;
      this.#healAt[mesh] = Infinity;
      meshes.networks[mesh]!.heal();
    }
    if (this.#flapAt > now) return;
    const mesh = this.#flapsLeft % meshes.count;
    for (const network of meshes.networks) network.heal();
    if (--this.#flapsLeft >= 0) cutMesh(meshes.networks[mesh]!, hosts.length);
    this.#flapAt = this.#flapsLeft >= 0 ? now + FLAP_MS : Infinity;
  }

  #cut(mesh: number, forMs: number): void {
    this.#sim.log(0, `mesh ${mesh} fails for ${forMs} ms`);
    cutMesh(this.#sim.meshes.networks[mesh]!, this.#sim.hosts.length);
    this.#healAt[mesh] = this.#sim.now + forMs;
  }

  #flap(): void {
    this.#sim.log(0, 'the meshes come and go');
    this.#flapsLeft = this.#random.between(3, 8);
    this.#flapAt = this.#sim.now;
  }

  #lower(node: number, mesh: number, forMs: number): void {
    this.#sim.hosts[node]!.lower(mesh);
    this.#raiseAt.set(node * this.#sim.meshes.count + mesh, this.#sim.now + forMs);
  }

  /** What goes to this node by this mesh, or comes from it, is lost; the other direction works. */
  #deafen(node: number, network: Network, forMs: number): void {
    const deaf = this.#random.chance(0.5);
    this.#sim.log(node, `is ${deaf ? 'deaf' : 'dumb'} on mesh ${network.mesh} for ${forMs} ms`);
    const labels = this.#sim.hosts.map(({ index }) => (index === node) === deaf ? 1 : 0);
    network.partition(labels, true);
    this.#healAt[network.mesh] = this.#sim.now + forMs;
  }
}
