/**
 * Invariant 4, judged when the network has healed and quieted: every message owed to a receiver was delivered or reported as
 * a gap. Owed: the source had the receiver as a member when it published, the receiver has not left since, and neither has
 * restarted. What has arrived whole must be told even when its source is gone.
 */
import type { Simulation } from '../simulation.ts';
import { COPY_ARRIVED, type Message } from '../truth.ts';
import type { Checker } from './checker.ts';

/** A source is given up after 90 s of silence. */
const SOURCE_GONE_MS = 120_000;

export class Completeness implements Checker {
  #sim: Simulation;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** Copies owed and not settled yet; the first of them by message and node. */
  missing(): { count: number; message: Message | null; receiver: number } {
    let count = 0;
    let first: Message | null = null;
    let receiver = -1;
    for (const message of this.#sim.truth.messages) {
      for (let node = 0; node < message.owed.length; node++) {
        if (message.owed[node] === 0 || !this.#isOwed(message, node)) continue;
        if (message.settledSerial[node] === message.owed[node]) continue;
        if (count++ === 0) {
          first = message;
          receiver = node;
        }
      }
    }
    return { count, message: first, receiver };
  }

  finished(): void {
    const { count, message, receiver } = this.missing();
    if (message === null) return;
    this.#sim.violate('4 completeness', `${count} copies neither delivered nor reported; first: message ${message.id} ` +
      `(node ${message.source} group ${message.group} seq ${message.seq}, ` +
      `published ${message.time}${message.to < 0 ? '' : `, for ${message.to}`}) at node ${receiver}`);
  }

  #isOwed(message: Message, node: number): boolean {
    const sim = this.#sim;
    const receiver = sim.hosts[node]!;
    if (receiver.serials[message.group] !== message.owed[node]) return false;
    const source = sim.hosts[message.source]!;
    // Where one end had two names for the other, what was meant for the first may have come to a stream that had begun later,
    // by the second; and whose address that is bound to a key comes to be heard is a member by that alone. Who changes his
    // name so is as one that has left and come anew.
    if ((source.renamedAt.get(node) ?? -1) >= message.time) return false;
    if ((receiver.renamedAt.get(message.source) ?? -1) >= message.time) return false;
    // A source that has left is told of no member any more, and so not of that change either.
    const hasLeft = source.serials[message.group] !== message.serial;
    if (hasLeft && !sim.meshes.bound.every((bound) => bound)) return false;
    if (source.running && source.incarnation === message.incarnation) return true;
    if (sim.now - source.changedAt < SOURCE_GONE_MS) return false;
    for (let i = 0; i < message.span; i++) {
      if (!(sim.truth.packetCopies[message.packet + i]![node]! & COPY_ARRIVED)) return false;
    }
    return true;
  }
}
