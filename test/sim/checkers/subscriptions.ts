/**
 * Invariant 9, judged at the end of a run, and after each heal of which a run says so, when all have been connected for
 * keepalive + 5 RTT: each node's members of a group are exactly the running nodes in it that share a mesh with it, with their
 * epochs, each once, so that who has another is had by that; and what members() says is what the member events told.
 */
import type { NodeHost } from '../node-host.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

/** Who has died is a member until it has been silent for 90 s. */
const DEAD_KNOWN_MS = 120_000;

export class Subscriptions implements Checker {
  #sim: Simulation;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  finished(): void {
    for (const host of this.#sim.hosts) {
      if (!host.running) continue;
      for (let group = 0; group < host.groups.length; group++) if (host.groups[group]) this.#compare(host, group);
    }
  }

  #compare(host: NodeHost, group: number): void {
    const sim = this.#sim;
    const seen = new Map<number, number>();
    const known = host.known[group]!;
    for (const { id, epoch } of host.groups[group]!.members()) {
      const index = sim.indexOf(id);
      if (index < 0) continue; // of a stranger nothing is known
      if (seen.has(index)) this.#fail(host, group, `has node ${index} twice, as ${id} too`);
      seen.set(index, epoch);
      const told = known.get(index + Math.max(0, sim.meshes.meshOf(id)) * sim.hosts.length)?.epoch ?? 0;
      const other = sim.hosts[index]!;
      if (!other.paused && !host.knowsLife(id, group, other)) this.#fail(host, group, `holds ${id} in a membership that is over`);
      if (told !== epoch) this.#fail(host, group, `told of ${id} as ${told} by events, ${epoch} by members()`);
    }
    const members = [...known.keys()].map((key) => key % sim.hosts.length);
    for (const index of members) if (!seen.has(index)) this.#fail(host, group, `told of node ${index}, which is no member`);
    for (const other of sim.hosts) {
      if (other === host) continue;
      const reached = other.running && sim.canMeet(host.index, other.index);
      const expected = reached && other.groups[group] !== null && !other.paused ? other.epoch : 0;
      const found = seen.get(other.index) ?? 0;
      if (other.paused || (!other.running && sim.now - other.changedAt < DEAD_KNOWN_MS)) continue;
      if (found !== expected) this.#fail(host, group, `has node ${other.index} as ${found}, it is ${expected} (0: no member)`);
    }
  }

  #fail(host: NodeHost, group: number, text: string): void {
    this.#sim.violate('9 subscriptions', `node ${host.index}, group ${this.#sim.groups[group]!.name}: ${text}`);
  }
}
