/**
 * The core's output towards programs, held back until the core has returned: the core must not be called from inside its own
 * output, and a program's callback may well publish. What is queued is dispatched in order on a later turn; when a burst has
 * queued EVENTS_MAX, the daemon dispatches between two datagrams, so the queue is bounded without losing anything.
 */
import type { GapReason, MemberState, PeerState } from '../multicast/node-output.ts';
import type { CoreGroup } from './core.ts';

export const EVENTS_MAX = 512;

/** Who takes the events; they come in the order they arose. */
export interface EventSink {
  peer(id: string, state: PeerState): void;
  message(group: CoreGroup, source: string, epoch: number, seq: number, data: Uint8Array, addressed: boolean): void;
  datagram(group: CoreGroup, source: string, data: Uint8Array): void;
  gap(group: CoreGroup, source: string, epoch: number, from: number, to: number, reason: GapReason): void;
  member(group: CoreGroup, id: string, state: MemberState, epoch: number): void;
  room(group: CoreGroup): void;
}

export class EventQueue {
  readonly #later: (task: () => void) => void;
  readonly #sink: EventSink;
  #events: (() => void)[] = [];
  #scheduled = false;

  constructor(later: (task: () => void) => void, sink: EventSink) {
    this.#later = later;
    this.#sink = sink;
  }

  get size(): number {
    return this.#events.length;
  }

  /** Runs `event` in its turn after those already queued. */
  push(event: () => void): void {
    this.#events.push(event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => this.dispatch());
  }

  /** Hands out all that is queued by now. An event that throws ends this turn; those behind it get one of their own. */
  dispatch(): void {
    const events = this.#events;
    this.#events = [];
    this.#scheduled = false;
    let done = 0;
    try {
      for (const event of events) {
        done++;
        event();
      }
    } finally {
      if (done < events.length) {
        this.#events = events.slice(done).concat(this.#events);
        if (!this.#scheduled) {
          this.#scheduled = true;
          this.#later(() => this.dispatch());
        }
      }
    }
  }

  peer(id: string, state: PeerState): void {
    this.push(() => this.#sink.peer(id, state));
  }
  message(group: CoreGroup, source: string, epoch: number, seq: number, data: Uint8Array, addressed: boolean): void {
    this.push(() => this.#sink.message(group, source, epoch, seq, data, addressed));
  }
  datagram(group: CoreGroup, source: string, data: Uint8Array): void {
    this.push(() => this.#sink.datagram(group, source, data));
  }
  gap(group: CoreGroup, source: string, epoch: number, from: number, to: number, reason: GapReason): void {
    this.push(() => this.#sink.gap(group, source, epoch, from, to, reason));
  }
  member(group: CoreGroup, id: string, state: MemberState, epoch: number): void {
    this.push(() => this.#sink.member(group, id, state, epoch));
  }
  room(group: CoreGroup): void {
    this.push(() => this.#sink.room(group));
  }
}
