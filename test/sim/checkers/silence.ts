/**
 * Invariant 11: with nothing unacknowledged, no holes and stable membership, only keepalives and gossip are sent. A scenario
 * calls begin() when that is so, and end() some time later.
 */
import { FRAME_NAMES, FRAME_TYPES } from '../census.ts';
import type { Simulation } from '../simulation.ts';

const ALLOWED = new Set(['HELLO', 'DIGEST', 'HINT', 'PEERS', 'SESSION']);
const KEEPALIVE_MS = 30_000;
const GOSSIP_MS = 5_000;
/** Who has answered once is looked for in the first minutes: each every 2 to 8 s, all together once a second; 12 % less. */
const deadProbeMs = (deadCount: number): number => 880 * Math.min(8, Math.max(2, deadCount));

export class Silence {
  #sim: Simulation;
  #before = new Float64Array(FRAME_TYPES);
  #since = -1;
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  begin(): void {
    this.#sim.beginMeasuring();
    this.#before.set(this.#sim.metrics.frames);
    this.#since = this.#sim.now;
  }

  end(): void {
    const sim = this.#sim;
    const passed = sim.now - this.#since;
    sim.endMeasuring();
    const running = sim.hosts.filter((host) => host.running).length;
    for (let type = 0; type < FRAME_TYPES; type++) {
      const name = FRAME_NAMES[type]!;
      const count = sim.metrics.frames[type]! - this.#before[type]!;
      if (count > 0 && !ALLOWED.has(name)) sim.violate('11 silence', `${count} ${name} frames in ${passed} ms of rest`);
      const hellos = this.#hellosMax(passed);
      // A digest of each common group rides on keepalives.
      const limit = name === 'HELLO' ? hellos : name === 'DIGEST' ? hellos * sim.groups.length : running * (Math.ceil(passed / GOSSIP_MS) + 1) * 2;
      if (count > limit && name !== 'SESSION') sim.violate('11 silence', `${count} ${name} in ${passed} ms, limit ${limit}`);
    }
  }

  /** On each mesh for itself: those who reach each other greet each other, and look for those whom they do not. */
  #hellosMax(passed: number): number {
    const { hosts, meshes } = this.#sim;
    let hellos = 0;
    for (const [mesh, network] of meshes.networks.entries()) {
      for (const host of hosts.filter(({ running, up }) => running && up[mesh])) {
        const others = hosts.filter(({ index }) => index !== host.index && meshes.has[mesh]![index]);
        const reached = others.filter(({ index, running, up }) =>
          running && up[mesh] && !network.isBlocked(host.index, index) && !network.isBlocked(index, host.index)).length;
        const dead = others.length - reached;
        hellos += reached * (Math.ceil(passed / (KEEPALIVE_MS / 2)) + 1) + dead * (Math.ceil(passed / deadProbeMs(dead)) + 1);
      }
    }
    return hellos;
  }
}
