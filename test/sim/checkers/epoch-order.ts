/** Invariant 8: after a restart nothing of the old epoch is delivered after the first of the new. */
import type { Delivery } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

export class EpochOrder implements Checker {
  #sim: Simulation;
  #newest = new Map<number, number>();
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** Incarnations are compared, not epochs: a node whose clock was set back starts with a lower one. */
  delivered({ stream, message }: Delivery): void {
    const nodes = this.#sim.hosts.length;
    const key = (((stream.serial * this.#sim.meshes.count + stream.name) * this.#sim.groups.length + stream.group) * nodes + stream.receiver) * nodes + stream.source;
    const newest = this.#newest.get(key) ?? 0;
    if (message.incarnation > newest) this.#newest.set(key, message.incarnation);
    else if (message.incarnation < newest) {
      this.#sim.violate('8 epoch order', `node ${stream.receiver}: message ${message.id} of incarnation ` +
        `${message.incarnation} of node ${stream.source} after one of ${newest}`);
    }
  }
}
