/**
 * The event trace: a hash over every event as numbers (the same seed must give the same hash on every runtime), and, when a
 * listener asks for it, one readable line per event.
 */
export class Trace {
  /** Called with each line; null: no lines are made. */
  listener: ((line: string) => void) | null = null;
  #hash = 0x811c9dc5;
  #events = 0;

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  get events(): number {
    return this.#events;
  }

  /** Adds an event of four numbers. */
  mix(time: number, kind: number, a: number, b: number): void {
    this.#events++;
    let hash = this.#hash;
    hash = Math.imul(hash ^ time, 0x01000193);
    hash = Math.imul(hash ^ kind, 0x01000193);
    hash = Math.imul(hash ^ a, 0x01000193);
    hash = Math.imul(hash ^ b, 0x01000193);
    this.#hash = hash ^ (hash >>> 15);
  }

  /** Adds the first bytes of a datagram. */
  mixBytes(bytes: Uint8Array): void {
    let hash = this.#hash;
    const length = Math.min(bytes.length, 64);
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    this.#hash = hash;
  }

  line(now: number, text: string): void {
    this.listener?.(`${(now / 1000).toFixed(3).padStart(9)} ${text}`);
  }
}
