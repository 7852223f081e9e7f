/**
 * One client's lines that wait to be handled: while a publish waits for room or a password is checked, when they come
 * faster than flood control allows, and when others are to have their turn. A full inbox stops the reading from the
 * socket, so that a client that pastes is slowed down and loses nothing.
 */
import type { Stream } from '../runtime/runtime.ts';
import type { IrcOptions } from './options.ts';
import { Bucket } from './rate.ts';

/** Lines that a client may have waiting before its socket is not read any more. */
const INBOX_MAX = 64;
/** Lines of one client per turn, and time for them, so that others and the mesh get theirs. */
const LINES_PER_TURN_MAX = 16;
const TURN_MS_MAX = 5;

export interface InboxHost {
  readonly options: IrcOptions;
  now(): number;
  /** Runs `task` on a later turn. */
  later(task: () => void): void;
}

export class Inbox {
  readonly #host: InboxHost;
  readonly #stream: Stream;
  readonly #handle: (text: string) => void;
  readonly #flood: Bucket;
  readonly #lines: string[] = [];
  /** Things that must finish before the next line is handled. */
  #waitCount = 0;
  #paused = false;
  /** The next lines are handled on a later turn already. */
  #continues = false;
  #closed = false;

  constructor(host: InboxHost, stream: Stream, handle: (text: string) => void) {
    this.#host = host;
    this.#stream = stream;
    this.#handle = handle;
    this.#flood = new Bucket(host.options.floodBurstLines, host.now());
  }

  /** It is we who do not listen. */
  get blocked(): boolean {
    return this.#paused || this.#waitCount > 0;
  }

  push(text: string): void {
    this.#lines.push(text);
    if (this.#lines.length > INBOX_MAX && !this.#paused) {
      this.#paused = true;
      this.#stream.pause();
    }
  }

  /** Handles what is in the inbox; call it after lines have been pushed, and now and then for flood control. */
  work(): void {
    if (this.#continues) return;
    const endMs = this.#host.now() + TURN_MS_MAX;
    let count = 0;
    while (this.#lines.length > 0 && this.#waitCount === 0) {
      if (count++ >= LINES_PER_TURN_MAX || this.#host.now() > endMs) {
        this.#continues = true;
        this.#host.later(() => {
          this.#continues = false;
          this.work();
        });
        return;
      }
      if (!this.#takeToken()) return;
      this.#handle(this.#lines.shift() as string);
    }
    if (this.#paused && this.#lines.length <= INBOX_MAX / 2 && this.#waitCount === 0 && !this.#closed) {
      this.#paused = false;
      this.#stream.resume();
    }
  }

  /** Flood control: without a token the client waits for the next tick. */
  #takeToken(): boolean {
    const { floodLinesPerSecond, floodBurstLines } = this.#host.options;
    return floodLinesPerSecond === 0 || this.#flood.take(this.#host.now(), floodLinesPerSecond, floodBurstLines);
  }

  /** The client's next line is handled when `promise` has settled. */
  wait(promise: Promise<unknown>): void {
    this.#waitCount++;
    const done = (): void => {
      this.#waitCount--;
      this.work();
    };
    promise.then(done, done);
  }

  /** What waits is dropped. */
  close(): void {
    this.#closed = true;
    this.#lines.length = 0;
  }
}
