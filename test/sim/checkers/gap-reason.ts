/**
 * Invariant 5: a gap is told only for what was published, and its reason is true. (What "evicted" may cover is invariant 6.)
 */
import type { GapReport } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

/** A silent source is given up after 90 s; less, for what was on the way. */
const SILENCE_MS = 85_000;

export class GapReason implements Checker {
  #sim: Simulation;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  gapped(report: GapReport): void {
    const { published, from, to, reason } = report;
    if (published === undefined) return this.#fail(report, 'nothing was ever published there');
    for (const seq of [from, to]) {
      if (this.#sim.truth.at(published, seq) === undefined) return this.#fail(report, `${seq} was never published`);
    }
    const why = this.#untrue(report);
    if (why !== '') this.#fail(report, `reason ${reason} is untrue: ${why}`);
  }

  #untrue({ now, stream, to, reason, published }: GapReport): string {
    const sim = this.#sim;
    const source = sim.hosts[stream.source]!;
    const options = sim.groups[stream.group]!.options;
    const youngest = sim.truth.at(published!, to)!;
    switch (reason) {
      case 'restart': return source.epoch === stream.epoch ? 'the source did not restart' : '';
      case 'source-gone': {
        const heardAt = sim.lastHeard(stream.receiver, stream.source, stream.name);
        const left = source.epoch !== stream.epoch || source.serials[stream.group] !== youngest.serial;
        return left || !source.running || now - heardAt >= SILENCE_MS ? '' : `heard ${now - heardAt} ms ago`;
      }
      case 'late': {
        if (options.delivery !== 'timely') return 'the group is not timely';
        const early = youngest.time + (options.playoutMs ?? 400) - now;
        // The receiver knows the one-way delay only as half of the round trips it has measured.
        const { networks } = sim.meshes;
        const measured = sim.hosts[stream.receiver]!.node?.peers().filter(({ id }) => sim.indexOf(id) === stream.source) ?? [];
        const oneWay = Math.max(
          ...networks.map((network) => network.oneWay(stream.source, stream.receiver)), ...measured.map(({ rttMs }) => rttMs / 2),
        );
        const slack = oneWay + Math.max(...networks.map((network) => network.options.jitterMs)) + 2;
        return early > slack ? `the deadline is ${early} ms away` : '';
      }
      default: return '';
    }
  }

  #fail({ stream, from, to, reason }: GapReport, text: string): void {
    this.#sim.violate('5 gap reason', `node ${stream.receiver}, gap ${from}..${to} (${reason}) of node ${stream.source} ` +
      `epoch ${stream.epoch} group ${stream.group}: ${text}`);
  }
}
