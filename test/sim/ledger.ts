/**
 * The receivers' side of the truth: per node, group, source, epoch and kind one stream as the application saw it. Checkers
 * keep their judgement in it.
 */
import type { GapReason } from '../../src/multicast/node-output.ts';
import type { Message, SourceStream } from './truth.ts';

export interface ReceiverStream {
  receiver: number;
  /** The receiver's membership serial; another join is another stream. */
  serial: number;
  group: number;
  source: number;
  epoch: number;
  addressed: boolean;
  /** The mesh by whose address the source is called; where that is bound to no key, since when it has been a member. */
  name: number;
  since: number;
  /** First sequence number seen, 0: none yet. */
  first: number;
  /** What an ordered stream must bring next. */
  next: number;
  /** Sequence numbers seen, for streams that may come in any order. */
  covered: Set<number> | null;
  deliveredCount: number;
  gapCount: number;
}

export interface Delivery {
  now: number;
  stream: ReceiverStream;
  message: Message;
  data: Uint8Array;
}

export interface GapReport {
  now: number;
  stream: ReceiverStream;
  from: number;
  to: number;
  reason: GapReason;
  /** The source's stream in truth, undefined: it never published on one of this epoch. */
  published: SourceStream | undefined;
}

export class Ledger {
  readonly streams: ReceiverStream[] = [];
  #nodes: number;
  #byKey = new Map<number, ReceiverStream[]>();

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  stream(
    receiver: number, serial: number, group: number, source: number, epoch: number, addressed: boolean,
    name: number, since: number,
  ): ReceiverStream {
    const key = ((group * this.#nodes + receiver) * this.#nodes + source) * 2 + (addressed ? 1 : 0);
    let list = this.#byKey.get(key);
    if (list === undefined) this.#byKey.set(key, list = []);
    for (let i = list.length - 1; i >= 0; i--) {
      const one = list[i]!;
      if (one.epoch === epoch && one.serial === serial && one.name === name && one.since === since) return one;
    }
    const stream: ReceiverStream = {
      receiver, serial, group, source, epoch, addressed, name, since, first: 0, next: 0, covered: null, deliveredCount: 0, gapCount: 0,
    };
    list.push(stream);
    this.streams.push(stream);
    return stream;
  }
}
