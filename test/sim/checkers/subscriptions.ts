/**
 * Invariant 9, judged at the end of a run that has been connected for keepalive + 5 RTT: each node's members of a group are
 * exactly the running nodes in it, with their epochs; and what members() says is what the member events told.
 */
import type { NodeHost } from '../node-host.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

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
    const seen = new Map(host.groups[group]!.members().map((member) => [sim.indexOf(member.id), member.epoch]));
    for (const other of sim.hosts) {
      if (other === host) continue;
      const expected = other.running && other.groups[group] !== null && !other.paused ? other.epoch : 0;
      const found = seen.get(other.index) ?? 0;
      if (other.paused) continue;
      if (found !== expected) this.#fail(host, group, `has node ${other.index} as ${found}, it is ${expected} (0: no member)`);
      const told = host.known[group]!.get(other.index)?.epoch ?? 0;
      if (told !== found) this.#fail(host, group, `told of node ${other.index} as ${told} by events, ${found} by members()`);
    }
  }

  #fail(host: NodeHost, group: number, text: string): void {
    this.#sim.violate('9 subscriptions', `node ${host.index}, group ${this.#sim.groups[group]!.name}: ${text}`);
  }
}
