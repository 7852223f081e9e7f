/**
 * Invariant 14, of nodes with addresses on several meshes, judged at the end of a run that has been healed: whoever can be
 * reached by two meshes is heard by both, and all ways to a node that are bound to keys are one member's. At all times: no way's
 * round trip is measured shorter than it is.
 */
import type { NodeHost } from '../node-host.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

/** Round trips are looked at so often; whole milliseconds at both ends. */
const LOOK_MS = 1000;
const SLACK_MS = 3;

export class Ways implements Checker {
  #sim: Simulation;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  sampled(now: number): void {
    const { hosts, meshes } = this.#sim;
    if (meshes.count < 2 || now % LOOK_MS !== 0) return;
    for (const host of hosts) {
      for (const { id, rttMs } of host.node?.peers() ?? []) {
        const truth = meshes.networks[meshes.meshOf(id)]?.rtt(host.index, meshes.nodeOf(id)) ?? 0;
        if (rttMs === 0 || rttMs + SLACK_MS >= truth) continue;
        this.#sim.violate('10 hold-down', `node ${host.index} measured a round trip of ${rttMs} ms to ${id}, it is ${truth}`);
      }
    }
  }

  finished(): void {
    const { hosts, meshes } = this.#sim;
    if (meshes.count < 2) return;
    for (const host of hosts) {
      if (!host.running || host.paused) continue;
      for (const other of hosts) if (other !== host && other.running && !other.paused) this.#judge(host, other);
    }
  }

  #judge(host: NodeHost, other: NodeHost): void {
    const { meshes } = this.#sim;
    const leads = new Set<string>();
    for (const [mesh, network] of meshes.networks.entries()) {
      if (!host.up[mesh] || !other.up[mesh]) continue;
      if (network.isBlocked(host.index, other.index) || network.isBlocked(other.index, host.index)) continue;
      const id = meshes.addressOf(other.index, mesh);
      const peer = host.node!.peers().find((one) => one.id === id);
      // Greetings are lost too: it may be stale for a second.
      if (peer?.state !== 'alive' && peer?.state !== 'stale') this.#fail(host, `${id} is ${peer?.state ?? 'unknown'}, though it can be reached`);
      if (meshes.bound[mesh]) leads.add(peer?.wayOf || id);
    }
    if (leads.size > 1) this.#fail(host, `node ${other.index} is ${[...leads].join(' and ')}`);
  }

  #fail(host: NodeHost, text: string): void {
    this.#sim.violate('14 ways', `node ${host.index}: ${text}`);
  }
}
