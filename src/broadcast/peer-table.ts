/**
 * All nodes we know of, by identity. Candidates, who have never answered, have a queue for each rank, by who named them:
 * when it is full, its oldest is forgotten. So whoever invents addresses pushes out others of that rank alone.
 */
import type { Peer, Rank } from './peer.ts';

/** What each rank may have of the places for candidates; who has answered is none. */
const SHARES = [1 / 8, 5 / 8, 1 / 4, Infinity] as const;

export class PeerTable {
  readonly #peers = new Map<string, Peer>();
  readonly #ranks = [new Set<Peer>(), new Set<Peer>(), new Set<Peer>(), new Set<Peer>()] as const;
  readonly #max: number;

  constructor(candidatesMax: number) {
    this.#max = candidatesMax;
  }

  get size(): number {
    return this.#peers.size;
  }
  find(id: string): Peer | undefined {
    return this.#peers.get(id);
  }
  /** By which of its addresses the node is a member that this is an address of. */
  leadId(id: string): string {
    return this.#peers.get(id)?.lead.id ?? id;
  }
  all(): IterableIterator<Peer> {
    return this.#peers.values();
  }
  /** Those of one rank, the oldest first. */
  of(rank: Rank): ReadonlySet<Peer> {
    return this.#ranks[rank];
  }

  /** Takes a new one, or one that has risen. Those who have answered are as many as the caller allows. */
  put(peer: Peer, rank: Rank, forget: (victim: Peer) => void): void {
    const queue = this.#ranks[rank];
    if (queue.size >= this.#max * SHARES[rank]) {
      const [oldest] = queue;
      forget(oldest!);
    }
    this.#ranks[peer.rank].delete(peer);
    peer.rank = rank;
    queue.add(peer);
    this.#peers.set(peer.id, peer);
  }

  delete(peer: Peer): void {
    this.#peers.delete(peer.id);
    this.#ranks[peer.rank].delete(peer);
  }
}
