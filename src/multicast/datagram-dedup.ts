/** Each unreliable datagram of a source is new once: the newest counter and the 31 before it (RFC 6479's window). */
import { makeRoom } from '../encoding/tables.ts';
import { serialDiff } from '../wire/serial.ts';

const STREAMS_MAX = 256;

export class DatagramDedup {
  /** Key (group, addressed) -> [newest counter, mask of those before it]. */
  readonly #seen = new Map<number, [number, number]>();

  /** @returns true the first time; false for repetitions and those too old to tell. */
  isNew(key: number, seq: number): boolean {
    const seen = this.#seen.get(key);
    if (seen === undefined) {
      makeRoom(this.#seen, STREAMS_MAX);
      this.#seen.set(key, [seq, 1]);
      return true;
    }
    const ahead = serialDiff(seq, seen[0]);
    if (ahead > 0) {
      seen[1] = ahead > 31 ? 1 : (seen[1] << ahead) | 1;
      seen[0] = seq;
      return true;
    }
    if (ahead < -31) return false;
    const bit = 1 << -ahead;
    if (seen[1] & bit) return false;
    seen[1] |= bit;
    return true;
  }
}
