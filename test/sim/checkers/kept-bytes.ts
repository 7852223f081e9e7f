/**
 * Invariant 3, second half: what was delivered stays as it was (the core does not reuse a buffer that it gave away). That
 * the payload is as sent, from the source it names, is judged at each delivery by Simulation.onMessage.
 */
import type { Delivery } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

const KEPT_MAX = 256;

export class KeptBytes implements Checker {
  #sim: Simulation;
  #kept: { id: number; data: Uint8Array }[] = [];
  #next = 0;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  delivered({ message, data }: Delivery): void {
    this.#look(this.#next);
    this.#kept[this.#next] = { id: message.id, data };
    this.#next = (this.#next + 1) % KEPT_MAX;
  }

  finished(): void {
    for (let i = 0; i < this.#kept.length; i++) this.#look(i);
  }

  #look(index: number): void {
    const entry = this.#kept[index];
    if (entry === undefined || this.#sim.truth.identify(entry.data) === entry.id) return;
    this.#sim.violate('3 payload', `message ${entry.id} changed after its delivery`);
  }
}
