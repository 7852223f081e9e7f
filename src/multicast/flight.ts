/**
 * What one cursor has sent and not yet seen acknowledged: a ring of columns over the sequence numbers (base, base +
 * 128]. Only cursors with something outstanding have one; they come from and go back to a pool.
 */
import { RECEIVE_WINDOW } from './options.ts';

const MASK = RECEIVE_WINDOW - 1;
const POOL_MAX = 64;

export const ACKED = 1;
/** Its bytes are part of the node's window. */
export const COUNTED = 2;
/** Waits in the cursor's repair queue. */
export const QUEUED = 4;
/** As the second of two copies. */
export const COPY = 8;

export class Flight {
  /** When it was last sent, ms, wrapped to int32; of two copies of a repair, the first. */
  readonly sentAt = new Int32Array(RECEIVE_WINDOW);
  /** The same, of two copies the second. */
  readonly copiedAt = new Int32Array(RECEIVE_WINDOW);
  readonly bytes = new Uint16Array(RECEIVE_WINDOW);
  readonly state = new Uint8Array(RECEIVE_WINDOW);
  readonly sends = new Uint8Array(RECEIVE_WINDOW);

  slot(seq: number): number {
    return seq & MASK;
  }

  clear(seq: number): void {
    const slot = seq & MASK;
    this.state[slot] = this.sends[slot] = 0;
  }
}

export class FlightPool {
  readonly #free: Flight[] = [];
  inUseCount = 0;

  take(): Flight {
    this.inUseCount++;
    return this.#free.pop() ?? new Flight();
  }

  give(flight: Flight): void {
    this.inUseCount--;
    if (this.#free.length >= POOL_MAX) return;
    flight.state.fill(0);
    flight.sends.fill(0);
    this.#free.push(flight);
  }
}
