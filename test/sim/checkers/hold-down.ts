/**
 * Invariant 10, seen from the wire: the same packet does not go to the same receiver again within 0.9 RTT. Escalation may
 * send two copies 0.2 RTT apart: one quick repeat is allowed, two in a row are not. (Bytes in flight: memory-bounds.ts.)
 */
import type { NodeHost } from '../node-host.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

const HOLD_DOWN = 0.9;
/** The core measures the round trip in whole milliseconds and may be a little below the truth. */
const SLACK_MS = 3;

export class HoldDown implements Checker {
  quickRepeats = 0;
  #sim: Simulation;
  /** Copies that were repeated quickly, and when the first of the two was sent. */
  #quick = new Map<number, number>();
  /** By which mesh each copy was last sent, where there are several. */
  #mesh = new Map<number, number>();
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  dataSent(host: NodeHost, to: number, packet: number, again: boolean, mesh: number): void {
    const sim = this.#sim;
    const key = packet * sim.hosts.length + to;
    // Where the way has changed, the one copy is waited for as long as its own way takes, or the other as its own does.
    const before = this.#mesh.get(key) ?? mesh;
    const rtt = (by: number): number => sim.meshes.networks[by]!.rtt(host.index, to);
    const faster = rtt(before) < rtt(mesh) ? before : mesh;
    if (sim.meshes.count > 1) this.#mesh.set(key, mesh);
    if (!again) return;
    // Whom it holds, or held, for two members it sent each message twice; and of which copy he speaks, none can tell.
    const known = host.known[sim.truth.messages[sim.truth.packetMessage[packet]!]!.group]!;
    const names = sim.meshes.networks.map((network) => known.get(to + network.mesh * sim.hosts.length)).filter((name) => name);
    // Who has started anew meanwhile has none of them.
    const anew = names.some((name) => name!.at >= sim.truth.packetSentAt[packet]![to]!);
    if (anew || names.length > 1 || (host.renamedAt.get(to) ?? -1) >= sim.truth.packetFirstAt[packet]![to]!) {
      this.#quick.delete(key);
      return;
    }
    // The second of two copies does not begin the hold-down anew.
    const since = this.#quick.get(key) ?? sim.truth.packetSentAt[packet]![to]!;
    const passed = sim.now - since;
    if (passed + SLACK_MS >= HOLD_DOWN * rtt(faster)) {
      this.#quick.delete(key);
      return;
    }
    this.quickRepeats++;
    if (this.#quick.has(key)) this.#judge(host, to, packet, passed, faster);
    this.#quick.set(key, since);
  }

  /** Too soon by the true round trip. The core can only go by the one it has measured, which cannot be below the truth. */
  #judge(host: NodeHost, to: number, packet: number, passed: number, mesh: number): void {
    const sim = this.#sim;
    const peer = host.node?.peers().find((one) => one.id === sim.addressOf(to, mesh));
    const measured = peer === undefined || peer.rttMs === 0 ? 0 : peer.rttMs;
    const truth = sim.meshes.networks[mesh]!.rtt(host.index, to);
    if (measured > 0 && measured + SLACK_MS < truth) {
      sim.violate('10 hold-down', `node ${host.index} measured a round trip of ${measured} ms to ${to}, it is ${truth}`);
    }
    if (passed + SLACK_MS >= HOLD_DOWN * measured) return;
    sim.violate('10 hold-down', `node ${host.index} sent packet ${packet} to ${to} a third time within ${passed} ms`);
  }
}
