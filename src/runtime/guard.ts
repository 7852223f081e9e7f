/**
 * What stands between the event loop and every handler: on txiki.js an exception in a callback ends the process with
 * status 1, on Node likewise. A failing handler is reported, counted, and ends nothing.
 */

/** Handlers' stacks printed at most; after that they are only counted. */
const REPORTED_MAX = 50;

export class Guard {
  errorCount = 0;
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  run(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.failed(error);
    }
  }

  failed(error: unknown): void {
    this.errorCount++;
    if (this.errorCount > REPORTED_MAX) return;
    const { message, stack } = error as Partial<Error>;
    this.#print(`error: a handler failed: ${message ?? String(error)}\n${stack ?? ''}`.trimEnd());
  }
}

/** What an adapter lends to its sockets and streams. */
export interface Loop {
  readonly guard: Guard;
  timer(onTimeout: () => void): { set(deadlineMs: number): void; cancel(): void };
  later(task: () => void): void;
  now(): number;
  /** Everything open, for stop(); also keeps the garbage collector from closing what only the system still uses. */
  readonly open: Set<{ close(): void }>;
}
