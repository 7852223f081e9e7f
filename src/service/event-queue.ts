/**
 * The core's output towards programs, held back until the core has returned: the core must not be called from inside its own
 * output, and a program's callback may well publish. What is queued is dispatched in order on a later turn; when a burst has
 * queued EVENTS_MAX, the daemon dispatches between two datagrams, so the queue is bounded without losing anything.
 */
export const EVENTS_MAX = 512;

export class EventQueue {
  readonly #later: (task: () => void) => void;
  #events: (() => void)[] = [];
  #scheduled = false;

  constructor(later: (task: () => void) => void) {
    this.#later = later;
  }

  get size(): number {
    return this.#events.length;
  }

  /** Runs `event` in its turn after those already queued. */
  push(event: () => void): void {
    this.#events.push(event);
    this.#schedule();
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
        this.#schedule();
      }
    }
  }

  /** The same function, to be called at any time: it runs in its turn. */
  queued<A extends unknown[]>(event: (...args: A) => void): (...args: A) => void {
    return (...args) => this.push(() => event(...args));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => this.dispatch());
  }
}
