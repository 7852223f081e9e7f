/** Whose words are heard here: the owner's lists of nodes, how much one node may bring, and what can be read at all. */
import type { Message } from '../client/client.ts';
import { decodeMessage } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { isListed } from './names.ts';
import type { Network } from './network.ts';
import { Rates } from './rate.ts';

interface Counters {
  malformed: number;
  overRate: number;
  banned: number;
}

export class PeerGate {
  readonly #network: Network;
  readonly #counters: Counters;
  readonly #rates = new Rates();

  constructor(network: Network, counters: Counters) {
    this.#network = network;
    this.#counters = counters;
  }

  /** Nothing of the node is taken: it is banned, or not among those that are allowed. */
  excludes(address: string): boolean {
    const { ban, allow } = this.#network.options;
    return isListed(ban, address) || (allow.length > 0 && !isListed(allow, address));
  }

  /** What the node's people say is not shown. */
  hides(address: string): boolean {
    return isListed(this.#network.options.hide, address) || this.excludes(address);
  }

  /** @returns undefined for what is not to be heard. */
  decode(message: Pick<Message, 'source' | 'data'>): Fields | undefined {
    const { peerLinesPerSecond, peerBurstLines } = this.#network.options;
    if (this.excludes(message.source)) return void this.#counters.banned++;
    if (!this.#rates.take(message.source, this.#network.clock.now(), peerLinesPerSecond, peerBurstLines)) {
      return void this.#counters.overRate++;
    }
    const fields = decodeMessage(message.data);
    if (fields === undefined) this.#counters.malformed++;
    return fields;
  }
}
