/**
 * Memory for what has come and cannot be handed over yet, of all streams that we receive. When it is full, the node whose
 * streams keep most makes room for one with less: so nobody takes it from the others.
 */
import type { Session } from './session.ts';

/** What a packet that is kept costs beside its bytes, and a hole. */
export const KEPT_OVERHEAD_BYTES = 128;

export class ReorderBudget {
  bytes = 0;
  readonly #bytesMax: number;
  /** Nodes that have some of it. */
  readonly #sessions = new Set<Session>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The streams of this node keep so much more, or less. */
  count(session: Session, bytes: number): void {
    this.bytes += bytes;
    session.keptBytes += bytes;
    if (session.keptBytes > 0) this.#sessions.add(session);
    else this.#sessions.delete(session);
  }

  /**
   * Whether this node may keep `bytes` more. Room is made when another keeps more than it would then; for what it `must`
   * keep, by whoever keeps most.
   */
  admits(session: Session, bytes: number, must: boolean): boolean {
    while (this.bytes + bytes > this.#bytesMax) {
      let most = must ? 0 : session.keptBytes + bytes;
      let owner: Session | undefined;
      for (const other of this.#sessions) if (other.keptBytes > most) most = (owner = other).keptBytes;
      const before = this.bytes;
      owner?.yieldRoom();
      if (this.bytes === before) return false;
    }
    return true;
  }
}
