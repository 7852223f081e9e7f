/**
 * Invariant 12: a malformed or random datagram changes no state. inject() compares what a node shows of itself before and
 * after such a datagram: its peers, its groups, its deadline may not move, only its counters.
 */
import type { NodeHost } from '../node-host.ts';
import type { Simulation } from '../simulation.ts';

/** Everything a node shows of itself, as text. */
function fingerprint(host: NodeHost): string {
  const node = host.node!;
  const parts: unknown[] = [node.peers()];
  for (const group of host.groups) if (group) parts.push(group.members(), group.status());
  return JSON.stringify(parts);
}

/** Gives the node bytes that no rule of the protocol accepts. */
export function injectMalformed(sim: Simulation, host: NodeHost, address: string, bytes: Uint8Array): void {
  if (!host.running) return;
  const before = fingerprint(host);
  host.inject(address, bytes);
  const after = fingerprint(host);
  if (before === after) return;
  const hex = Array.from(bytes.subarray(0, 48), (byte) => byte.toString(16).padStart(2, '0')).join('');
  sim.violate('12 malformed', `node ${host.index} changed by ${hex}: ${before} -> ${after}`);
}
