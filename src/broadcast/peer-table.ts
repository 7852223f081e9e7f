/** All nodes we know of, by identity, bounded: when full, the one that has answered least is forgotten first. */
import { ALIVE, GONE, PROBING, STALE, type Peer } from './peer.ts';

export class PeerTable {
  readonly #peers = new Map<string, Peer>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
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

  /** @returns false when the table is full of peers that are worth more than a new one. */
  add(peer: Peer, forget: (victim: Peer) => void): boolean {
    if (this.#peers.size >= this.#max) {
      const victim = this.#leastPromising();
      if (victim === undefined) return false;
      forget(victim);
    }
    this.#peers.set(peer.id, peer);
    return true;
  }

  delete(peer: Peer): void {
    this.#peers.delete(peer.id);
  }

  /** Silent strangers first, the most probed before others; then the gone. Never one that is alive or stale. */
  #leastPromising(): Peer | undefined {
    let worst: Peer | undefined;
    for (const peer of this.#peers.values()) {
      if (peer.reach === ALIVE || peer.reach === STALE) continue;
      if (worst === undefined || this.#worth(peer) < this.#worth(worst)) worst = peer;
      if (worst.state === PROBING && worst.probeCount > 8 && !worst.answered && !worst.advertised) break;
    }
    return worst;
  }

  #worth(peer: Peer): number {
    const base = peer.state === GONE || peer.answered ? 2000 : peer.advertised ? 1000 : 0;
    return base - Math.min(peer.probeCount, 900);
  }
}
