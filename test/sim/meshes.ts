/**
 * The meshes of a simulation and who has which address on them. Each is a network of its own, with its own faults; addresses
 * of one reach no other. Most simulations have one, with all nodes on it.
 */
import type { EventQueue } from './event-queue.ts';
import { type NetworkOptions, networkOptions } from './network-options.ts';
import { Network } from './network.ts';
import type { Prng } from './prng.ts';

const PREFIXES = ['fc00::', '200::', '300::'];

/** A mesh beside the first. */
export interface MeshSpec {
  network?: Partial<NetworkOptions>;
  /** Its addresses are bound to keys, as those of the first are. */
  bound?: boolean;
}

export class Meshes {
  readonly networks: Network[];
  readonly bound: boolean[];
  /** [mesh][node]: whether it has an address there at all. */
  readonly has: boolean[][];
  readonly #byAddress = new Map<string, { node: number; mesh: number }>();

  constructor(
    nodes: number, first: Network, further: readonly MeshSpec[], isOn: (node: number, mesh: number) => boolean,
    queue: EventQueue, random: Prng,
  ) {
    this.bound = [true, ...further.map(({ bound }) => bound ?? true)];
    this.networks = [first, ...further.map(({ network }, index) =>
      new Network(nodes, networkOptions(network), queue, random.fork(70 + index), index + 1))];
    this.has = this.networks.map((_, mesh) => Array.from({ length: nodes }, (_unused, node) => isOn(node, mesh)));
    for (let mesh = 0; mesh < this.count; mesh++) {
      for (let node = 0; node < nodes; node++) this.#byAddress.set(this.addressOf(node, mesh), { node, mesh });
    }
  }

  get count(): number {
    return this.networks.length;
  }

  addressOf(node: number, mesh: number): string {
    return `${PREFIXES[mesh]}${(node + 1).toString(16)}`;
  }

  /** -1: of nobody in the simulation. */
  nodeOf(address: string): number {
    return this.#byAddress.get(address)?.node ?? -1;
  }

  meshOf(address: string): number {
    return this.#byAddress.get(address)?.mesh ?? -1;
  }

  accepts(mesh: number, address: string): boolean {
    const first = PREFIXES[mesh]!.slice(0, 2);
    return address.startsWith(first);
  }

  /** Whether a member that is called by its address on `name` may speak by this mesh too (wire/README.md 6.1). */
  isWayOf(mesh: number, name: number): boolean {
    return this.bound[mesh] === this.bound[name];
  }
}
