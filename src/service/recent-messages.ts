/**
 * The last messages of each group, for `history` and newcomers' `last K`: bounded per group by count and bytes and for the
 * whole daemon by bytes. When full the oldest goes: of the group itself, or of the group that holds most.
 */

/** A message as the service hands it out. `data` is shared: never changed. */
export interface GroupMessage {
  source: string;
  epoch: number;
  seq: number;
  data: Uint8Array;
  addressed: boolean;
  /** Published through this daemon. */
  own: boolean;
  /** When this daemon got it, Unix ms. */
  timeMs: number;
}

export const RECENT_LIMITS = { countMax: 100, bytesMax: 64 * 1024, totalBytesMax: 1024 * 1024 };

/** What one message costs beside its data (measured on QuickJS: object, array header, strings). */
const MESSAGE_OVERHEAD_BYTES = 600;

class Ring {
  readonly messages: GroupMessage[] = [];
  bytes = 0;
}

export class RecentMessages {
  readonly #rings = new Map<string, Ring>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(group: string, message: GroupMessage): void {
    let ring = this.#rings.get(group);
    if (ring === undefined) this.#rings.set(group, (ring = new Ring()));
    const size = message.data.length + MESSAGE_OVERHEAD_BYTES;
    ring.messages.push(message);
    ring.bytes += size;
    this.#bytes += size;
    const { countMax, bytesMax, totalBytesMax } = RECENT_LIMITS;
    while (ring.messages.length > countMax || (ring.bytes > bytesMax && ring.messages.length > 1)) this.#dropOldest(ring);
    while (this.#bytes > totalBytesMax) this.#dropOldest(this.#largest());
  }

  /** The newest `last` messages, oldest first. */
  last(group: string, last: number): GroupMessage[] {
    const messages = this.#rings.get(group)?.messages ?? [];
    return last >= messages.length ? messages.slice() : messages.slice(messages.length - Math.max(0, last));
  }

  forget(group: string): void {
    this.#bytes -= this.#rings.get(group)?.bytes ?? 0;
    this.#rings.delete(group);
  }

  #largest(): Ring {
    let largest = new Ring();
    for (const ring of this.#rings.values()) if (ring.bytes > largest.bytes) largest = ring;
    return largest;
  }

  #dropOldest(ring: Ring): void {
    const size = (ring.messages.shift()?.data.length ?? 0) + MESSAGE_OVERHEAD_BYTES;
    ring.bytes -= size;
    this.#bytes -= size;
  }
}
