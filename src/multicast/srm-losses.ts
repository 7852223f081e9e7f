/**
 * `srm` mode, a receiver's side: the holes of one stream, each with its request timer. A request goes to the whole
 * group; hearing another's is as good as asking oneself, and moves the own timer out exponentially.
 *
 *   hole seen: wait d·(C1 + C2·U)
 *   asked, or heard another ask: wait twice as long, and count no request for half of that
 */
import type { Peer } from '../broadcast/peer.ts';
import { parseAddress } from '../wire/address.ts';
import { FRAME_REQUEST } from '../wire/frame.ts';
import { serialDiff } from '../wire/serial.ts';
import { encodeRequest, REQUEST_BITMAP_MAX, type Request } from '../wire/srm.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { Session } from './session.ts';

const BACKOFF_MAX = 5;
const FIXED_MAX = 2;

class Loss {
  readonly seenAt: number;
  dueAt = 0;
  backoff = 0;
  /** Requests before this belong to the round that is already counted. */
  ignoreUntil = -Infinity;
  requestCount = 0;
  firstRequestAt = -1;

  constructor(seenAt: number) {
    this.seenAt = seenAt;
  }
}

export class SrmLosses {
  readonly #context: Context;
  readonly #group: Group;
  readonly #source: Peer;
  readonly #losses = new Map<number, Loss>();

  constructor(context: Context, group: Group, source: Peer) {
    this.#context = context;
    this.#group = group;
    this.#source = source;
  }

  get dueAt(): number {
    let at = Infinity;
    for (const loss of this.#losses.values()) if (loss.dueAt < at) at = loss.dueAt;
    return at;
  }

  get #groupSize(): number {
    return this.#group.peers.size + 1;
  }

  /** @param seq found missing */
  add(now: number, seq: number): void {
    const loss = new Loss(now);
    this.#group.requestTimer.adapt(this.#groupSize, FIXED_MAX);
    this.#wait(now, loss);
    this.#losses.set(seq, loss);
  }

  /** It has arrived, or is given up. */
  remove(seq: number): void {
    const loss = this.#losses.get(seq);
    if (loss === undefined || !this.#losses.delete(seq) || loss.requestCount === 0) return;
    const rttMs = Math.max(1, this.#source.roundTrip.srttMs);
    this.#group.requestTimer.onRound(loss.requestCount - 1, (loss.firstRequestAt - loss.seenAt) / rttMs);
  }

  /** @returns how often the group was asked for it. */
  triesOf(seq: number): number {
    return this.#losses.get(seq)?.requestCount ?? 0;
  }

  #wait(now: number, loss: Loss): void {
    const distanceMs = this.#source.roundTrip.srttMs / 2;
    const waitMs = this.#group.requestTimer.waitMs(distanceMs, loss.backoff, this.#context.random());
    loss.dueAt = now + waitMs;
    if (loss.backoff > 0) loss.ignoreUntil = now + waitMs / 2;
  }

  #onRequest(now: number, loss: Loss): void {
    loss.requestCount++;
    if (loss.firstRequestAt < 0) loss.firstRequestAt = now;
    loss.backoff = Math.min(BACKOFF_MAX, loss.backoff + 1);
    this.#wait(now, loss);
  }

  /** Another member asked the group for packets of this source. */
  onOverheard(now: number, request: Request, view: DataView, from: Peer): void {
    for (const [seq, loss] of this.#losses) {
      if (!asks(request, view, seq)) continue;
      if (now < loss.ignoreUntil) {
        loss.requestCount++;
        if (from.roundTrip.srttMs > 1.5 * this.#source.roundTrip.srttMs) {
          this.#group.requestTimer.onFartherDuplicate(this.#groupSize, FIXED_MAX);
        }
      } else {
        this.#onRequest(now, loss);
      }
    }
  }

  /** Sends requests for all that is due. */
  onTimeout(now: number): void {
    const seqs: number[] = [];
    for (const [seq, loss] of this.#losses) {
      if (loss.dueAt > now) continue;
      this.#onRequest(now, loss);
      this.#group.requestTimer.onSent(this.#groupSize, FIXED_MAX);
      this.#context.counters.requestsSent++;
      seqs.push(seq);
    }
    if (seqs.length === 0) return;
    seqs.sort(serialDiff);
    const inReach = seqs.filter((seq) => serialDiff(seq, seqs[0]!) <= 8 * REQUEST_BITMAP_MAX);
    const address = parseAddress(this.#source.address);
    if (address === undefined) return;
    const body = encodeRequest(address, this.#source.port, this.#source.epoch, this.#group, inReach);
    for (const peer of this.#group.peers.values()) (peer.session as Session).oweFrame(FRAME_REQUEST, 0, body);
  }

  clear(): void {
    this.#losses.clear();
  }
}

/** Whether a request names this packet. */
export function asks(request: Request, view: DataView, seq: number): boolean {
  const bit = serialDiff(seq, request.first) - 1;
  if (bit === -1) return true;
  if (bit < 0 || bit >= request.bitmapLength * 8) return false;
  return (view.getUint8(request.bitmapAt + (bit >> 3)) & (0x80 >> (bit & 7))) !== 0;
}

