/**
 * Invariant 1: no message is delivered twice per (receiver incarnation, source, epoch, group, seq). A node with addresses on
 * several meshes may be two sources: always where some are bound to keys and some are not, and for seconds where it is met on
 * both and what would tell that it is one is lost (wire/README.md 6.1). Then each may bring it once; `doubled` counts these.
 */
import type { Delivery, ReceiverStream } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';
import { FATE_DELIVERED } from '../truth.ts';
import type { Checker } from './checker.ts';

export class AtMostOnce implements Checker {
  #sim: Simulation;
  /** Where there are several meshes: message * nodes + receiver -> the receiver's serial and the names of the source, in bits. */
  #told = new Map<number, { serial: number; names: number }>();
  doubled = 0;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  delivered({ stream, message }: Delivery): void {
    const { receiver, serial } = stream;
    if (message.settledSerial[receiver] !== serial || message.settled[receiver] !== FATE_DELIVERED) {
      if (this.#sim.meshes.count > 1) this.#isNew(stream, message.id);
      return;
    }
    if (this.#sim.meshes.count > 1 && this.#isNew(stream, message.id)) {
      if (!this.#sim.meshes.bound.includes(false)) this.doubled++;
      return;
    }
    this.#sim.violate('1 at most once',
      `node ${receiver}: message ${message.id} (node ${message.source} seq ${message.seq}) delivered again`);
  }

  /** @returns whether the source brings it for the first time under this name. */
  #isNew({ name, receiver, serial }: ReceiverStream, message: number): boolean {
    const key = message * this.#sim.hosts.length + receiver;
    const before = this.#told.get(key);
    const names = before?.serial === serial ? before.names : 0;
    this.#told.set(key, { serial, names: names | (1 << name) });
    return (names & (1 << name)) === 0;
  }
}
