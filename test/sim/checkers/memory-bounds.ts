/**
 * Invariant 7: log, reorder and per-peer memory stay within their bounds at every step. Every sample looks at some nodes in
 * turn, so that each is seen often; `peak…` tell the largest values met.
 */
import { MULTICAST_DEFAULTS } from '../../../src/multicast/options.ts';
import type { NodeHost } from '../node-host.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

/** Groups looked at per sample. */
const LOOKS_MAX = 6;

export class MemoryBounds implements Checker {
  peakLogBytes = 0;
  peakNodeLogBytes = 0;
  peakReorderBytes = 0;
  #sim: Simulation;
  #next = 0;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  sampled(): void {
    const { hosts } = this.#sim;
    let looks = 0;
    for (let i = 0; i < hosts.length && looks < LOOKS_MAX; i++) {
      const host = hosts[this.#next++ % hosts.length]!;
      if (!host.running) continue;
      looks += host.groups.length;
      this.#look(host);
    }
  }

  #look(host: NodeHost): void {
    const bounds = { ...MULTICAST_DEFAULTS, ...this.#sim.nodeOptions };
    let nodeBytes = 0;
    let reorderTotal = 0;
    for (const group of host.groups) {
      if (!group) continue;
      const status = group.status();
      const logBytes = status['logBytes']!;
      const reorderBytes = status['reorderBytes']!;
      nodeBytes += logBytes;
      reorderTotal += reorderBytes;
      if (logBytes > bounds.logBytesMax) this.#fail(host, `log of ${group.name} is ${logBytes} bytes`);
      this.peakLogBytes = Math.max(this.peakLogBytes, logBytes);
      this.peakReorderBytes = Math.max(this.peakReorderBytes, reorderBytes);
    }
    if (nodeBytes > bounds.nodeLogBytesMax) this.#fail(host, `logs are ${nodeBytes} bytes`);
    const counted = host.node!.counters['reorderBytes']!;
    if (counted > bounds.nodeReorderBytesMax) this.#fail(host, `reorder buffers are ${counted} bytes`);
    if (counted < reorderTotal) this.#fail(host, `${reorderTotal} bytes are out of order, ${counted} are counted`);
    this.peakNodeLogBytes = Math.max(this.peakNodeLogBytes, nodeBytes);
  }

  #fail(host: NodeHost, text: string): void {
    this.#sim.violate('7 memory', `node ${host.index}: ${text}`);
  }
}
