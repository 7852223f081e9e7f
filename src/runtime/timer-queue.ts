/**
 * All timers of the process over one timer of the system: a binary heap by deadline, then by order of setting. Why one:
 * txiki.js 24 aborts or spins when a timer is cleared inside its own callback or by another one that is due, its timers
 * may fire 1 ms early, and each costs more than a heap entry. The system's timer is left armed when its deadline moves
 * away: waking up for nothing is cheaper than clearing.
 */
import type { Guard } from './guard.ts';
import type { Timer } from './runtime.ts';

/** Timers fired in one turn; the rest wait for the next, so that sockets are read in between. */
export const TIMERS_PER_TURN_MAX = 64;
const TASKS_PER_TURN_MAX = 256;

export interface SystemTimer {
  now(): number;
  start(delayMs: number, onTimeout: () => void): unknown;
  stop(handle: unknown): void;
}

class QueuedTimer implements Timer {
  deadlineMs = Infinity;
  /** When it may fire; later than `deadlineMs` when it was set during a turn. */
  dueMs = Infinity;
  order = 0;
  /** Place in the heap, -1 when not set. */
  index = -1;
  readonly onTimeout: () => void;
  readonly #queue: TimerQueue;

  constructor(queue: TimerQueue, onTimeout: () => void) {
    this.#queue = queue;
    this.onTimeout = onTimeout;
  }
  set(deadlineMs: number): void {
    this.#queue.place(this, deadlineMs);
  }
  cancel(): void {
    this.#queue.place(this, Infinity);
  }
}

export class TimerQueue {
  readonly #system: SystemTimer;
  readonly #guard: Guard;
  readonly #heap: QueuedTimer[] = [];
  #tasks: (() => void)[] = [];
  #order = 0;
  #armedMs = Infinity;
  #handle: unknown;
  /** The time of the running turn, else -1. */
  #turnMs = -1;
  #stopped = false;

  constructor(system: SystemTimer, guard: Guard) {
    this.#system = system;
    this.#guard = guard;
  }

  timer(onTimeout: () => void): Timer {
    return new QueuedTimer(this, onTimeout);
  }

  /** Runs `task` on a later turn. */
  later(task: () => void): void {
    this.#tasks.push(task);
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#tasks = [];
    for (const timer of this.#heap.splice(0)) [timer.index, timer.deadlineMs] = [-1, Infinity];
    if (this.#armedMs !== Infinity) this.#system.stop(this.#handle);
    this.#armedMs = Infinity;
  }

  /** @internal Moves a timer; Infinity (or NaN) takes it out. */
  place(timer: QueuedTimer, deadlineMs: number): void {
    if (timer.index >= 0) this.#remove(timer);
    timer.deadlineMs = Infinity;
    if (this.#stopped || !(deadlineMs < Infinity)) return;
    timer.deadlineMs = deadlineMs;
    timer.dueMs = this.#turnMs < 0 ? deadlineMs : Math.max(deadlineMs, this.#turnMs + 1);
    timer.order = this.#order++;
    timer.index = this.#heap.length;
    this.#heap.push(timer);
    this.#up(timer);
    if (this.#turnMs < 0) this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0];
    const due = this.#tasks.length > 0 ? -Infinity : (first?.dueMs ?? Infinity);
    if (this.#stopped || this.#turnMs >= 0 || due >= this.#armedMs) return;
    if (this.#armedMs !== Infinity) this.#system.stop(this.#handle);
    this.#armedMs = due;
    const delay = Math.min(Math.max(0, due - this.#system.now()), 0x7fffffff);
    this.#handle = this.#system.start(delay, () => this.#onTurn());
  }

  #onTurn(): void {
    this.#armedMs = Infinity;
    this.#turnMs = this.#system.now();
    const tasks = this.#tasks.splice(0, TASKS_PER_TURN_MAX);
    for (const task of tasks) this.#guard.run(task);
    for (let fired = 0; fired < TIMERS_PER_TURN_MAX; fired++) {
      const timer = this.#heap[0];
      if (timer === undefined || timer.dueMs > this.#turnMs) break;
      this.#remove(timer);
      timer.deadlineMs = Infinity;
      this.#guard.run(timer.onTimeout);
    }
    this.#turnMs = -1;
    this.#arm();
  }

  #remove(timer: QueuedTimer): void {
    const last = this.#heap.pop() as QueuedTimer;
    const index = timer.index;
    timer.index = -1;
    if (last === timer) return;
    last.index = index;
    this.#heap[index] = last;
    this.#up(last);
    this.#down(last);
  }

  #up(timer: QueuedTimer): void {
    while (timer.index > 0) {
      const parent = this.#heap[(timer.index - 1) >> 1] as QueuedTimer;
      if (!isBefore(timer, parent)) return;
      this.#swap(timer, parent);
    }
  }

  #down(timer: QueuedTimer): void {
    for (;;) {
      const left = this.#heap[timer.index * 2 + 1];
      const right = this.#heap[timer.index * 2 + 2];
      if (left === undefined) return;
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, timer)) return;
      this.#swap(child, timer);
    }
  }

  /** `lower` is the child of `upper`. */
  #swap(lower: QueuedTimer, upper: QueuedTimer): void {
    const index = lower.index;
    this.#heap[upper.index] = lower;
    this.#heap[index] = upper;
    lower.index = upper.index;
    upper.index = index;
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
