/**
 * The port through which meshes bring candidates and our own addresses. mesh/* implements it, main.ts joins the two:
 * the broadcast layer knows no mesh by name.
 */

/** Who names a candidate: somebody on the mesh (a stranger by speaking), a mesh's own table, the owner. */
export const HEARSAY = 0;
export const FROM_MESH = 1;
export const CONFIGURED = 2;
export type Origin = typeof HEARSAY | typeof FROM_MESH | typeof CONFIGURED;

/** A node that may run meshchat: nothing is believed of it until it answers a probe. */
export interface Candidate {
  /** Canonical text of its address (wire/address.ts). */
  address: string;
  /** UDP port, 0: the mesh's default. */
  port: number;
  /** Distance as the mesh tells it, 0: unknown. Nearer ones are probed first. */
  hops: number;
  /** True when its owner has said that it runs meshchat (configuration, NodeInfo): probed first and more often. */
  advertised: boolean;
  /** Default: FROM_MESH. */
  origin?: Origin;
}

export interface MeshStatus {
  name: string;
  /** True while the mesh answers and has given us an address. */
  up: boolean;
  /** Addresses of ours on it. */
  own: string[];
  candidateCount: number;
  /** False: addresses are bound to no key, anyone on the link can take one. */
  authenticated: boolean;
  /** Version of the mesh's own daemon, '' unknown. */
  version: string;
  /** What is wrong, as a sentence, and the command or option that mends it. Absent when all is well. */
  problem?: { text: string; remedy: string };
}

/** Who listens to a mesh. Calls come on turns of the loop, never inside start(). */
export interface MeshListener {
  /** Our addresses on this mesh as of now (all of them; an empty list: it is down). */
  onOwnAddresses(addresses: string[]): void;
  /** Nodes it knows now. May repeat those told before; nodes left out are not forgotten by it. */
  onCandidates(candidates: Candidate[]): void;
}

export interface MeshSource {
  readonly name: string;
  /** Addresses are cryptographic identities (cjdns, Yggdrasil). */
  readonly authenticated: boolean;
  /** Whether a datagram from this address may belong to this mesh (e.g. fc00::/8). */
  accepts(address: string): boolean;
  start(listener: MeshListener): void;
  stop(): void;
  /** Ask again soon: an interface came up, the peers we had went silent. */
  refresh(): void;
  status(): MeshStatus;
}
