/**
 * Invariant 6: a source frees only what all have acknowledged, what is older than the retention, or what is over budget. Seen
 * from outside: a gap "evicted" may only cover messages that are old, or that so many bytes were published after, or that
 * were published before the receiver joined.
 */
import { GROUP_DEFAULTS, MULTICAST_DEFAULTS } from '../../../src/multicast/options.ts';
import type { GapReport } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

/** Entries cost more than their payload; the budget may count that. */
const SLACK = 0.5;

export class Retention implements Checker {
  #sim: Simulation;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  gapped({ now, stream, to, reason, published }: GapReport): void {
    if (reason !== 'evicted' || published === undefined) return;
    const sim = this.#sim;
    const message = sim.truth.at(published, to);
    if (message === undefined) return;
    // Under another name of its source it has come, and under this one it is not begun again either.
    if (sim.meshes.count > 1 && message.settledSerial[stream.receiver] === stream.serial) return;
    const { delivery, playoutMs } = sim.groups[stream.group]!.options;
    const retainMs = delivery === 'timely' ? (playoutMs ?? GROUP_DEFAULTS.playoutMs)
      : (sim.nodeOptions.retainMs ?? MULTICAST_DEFAULTS.retainMs);
    const source = sim.hosts[message.source]!;
    // Two members that turn out to be one node go on as one: what came to the other in part is not begun again.
    if ((sim.hosts[stream.receiver]!.renamedAt.get(message.source) ?? -1) >= message.time) return;
    // Nor does it serve older ones to a receiver whose leaving and coming back it has learnt of since.
    for (let mesh = 0; mesh < sim.meshes.count; mesh++) {
      const met = source.known[stream.group]!.get(stream.receiver + mesh * sim.hosts.length);
      if (met !== undefined && met.at >= message.time) return;
    }
    const late = sim.hosts[stream.receiver]!.joinedAt[stream.group]! >= message.time;
    if (late || now - message.time >= retainMs || this.#overBudget(message.id, message.source)) return;
    if (sim.groups[stream.group]!.options.slow === 'evict') return;
    sim.violate('6 retention', `node ${stream.receiver}: message ${message.id} of node ${message.source} evicted after ` +
      `${now - message.time} ms, within the budget`);
  }

  #overBudget(id: number, source: number): boolean {
    const { messages } = this.#sim.truth;
    const group = messages[id]!.group;
    let streamBytes = 0;
    let nodeBytes = 0;
    for (let i = id; i < messages.length; i++) {
      const message = messages[i]!;
      if (message.source !== source) continue;
      nodeBytes += message.length;
      if (message.group === group) streamBytes += message.length;
    }
    const streamMax = this.#sim.nodeOptions.logBytesMax ?? MULTICAST_DEFAULTS.logBytesMax;
    return streamBytes >= streamMax * SLACK || nodeBytes >= (this.#sim.nodeOptions.nodeLogBytesMax ?? MULTICAST_DEFAULTS.nodeLogBytesMax) * SLACK;
  }
}
