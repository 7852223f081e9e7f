/**
 * Invariant 2: in ordered streams delivered messages and gaps tile [start, …) exactly, increasing, without overlap; in
 * unordered ones they never overlap. (That nothing is missing at the end is invariant 4.)
 */
import type { Delivery, GapReport, ReceiverStream } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

export class Tiling implements Checker {
  #sim: Simulation;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  delivered({ stream, message }: Delivery): void {
    this.#cover(stream, message.seq, message.span, 'delivers');
  }

  gapped({ stream, from, to }: GapReport): void {
    const count = ((to - from) | 0) + 1;
    if (count < 1) return this.#sim.violate('2 tiling', `node ${stream.receiver}: empty gap ${from}..${to}`);
    this.#cover(stream, from, count, 'gap');
  }

  #cover(stream: ReceiverStream, seq: number, count: number, what: string): void {
    const { ordered } = this.#sim.groups[stream.group]!.options;
    if (stream.first === 0) {
      stream.first = seq;
      stream.next = seq;
    }
    if (ordered !== false) {
      if (seq !== stream.next) this.#fail(stream, `${what} ${seq}, expected ${stream.next}`);
      stream.next = (seq + count) >>> 0;
      return;
    }
    const covered = stream.covered ??= new Set();
    for (let i = 0; i < count; i++) {
      const at = (seq + i) >>> 0;
      if (covered.has(at)) this.#fail(stream, `${what} ${at}, told before`);
      covered.add(at);
    }
  }

  #fail(stream: ReceiverStream, text: string): void {
    this.#sim.violate('2 tiling', `node ${stream.receiver}, stream of node ${stream.source} epoch ${stream.epoch} group ` +
      `${stream.group}${stream.addressed ? ' (addressed)' : ''}: ${text}`);
  }
}
