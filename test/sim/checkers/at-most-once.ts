/** Invariant 1: no message is delivered twice per (receiver incarnation, source, epoch, group, seq). */
import type { Delivery } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';
import { FATE_DELIVERED } from '../truth.ts';
import type { Checker } from './checker.ts';

export class AtMostOnce implements Checker {
  #sim: Simulation;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  delivered({ stream, message }: Delivery): void {
    const { receiver, serial } = stream;
    if (message.settledSerial[receiver] !== serial || message.settled[receiver] !== FATE_DELIVERED) return;
    this.#sim.violate('1 at most once',
      `node ${receiver}: message ${message.id} (node ${message.source} seq ${message.seq}) delivered again`);
  }
}
