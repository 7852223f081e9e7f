/**
 * The async iteration of a group's messages: bounded. When its reader is slower than the group, the newest are dropped, and
 * told as gaps with reason 'client' once the reader has taken what came before them.
 */
import { addMissed, type MissedRange, rangeOf } from '../service/missed.ts';
import type { Gap, Message } from './client.ts';

export const ITERATION_MESSAGES_MAX = 1000;
export const ITERATION_BYTES_MAX = 1024 * 1024;

export class MessageQueue implements AsyncIterator<Message> {
  readonly #onGap: (gap: Gap) => void;
  readonly #onEnd: (queue: MessageQueue) => void;
  readonly #messages: Message[] = [];
  #bytes = 0;
  readonly #missed: MissedRange[] = [];
  readonly #readers: ((result: IteratorResult<Message>) => void)[] = [];
  #ended = false;

  constructor(onGap: (gap: Gap) => void, onEnd: (queue: MessageQueue) => void) {
    this.#onGap = onGap;
    this.#onEnd = onEnd;
  }

  push(message: Message): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) return reader({ done: false, value: message });
    const full = this.#messages.length >= ITERATION_MESSAGES_MAX || this.#bytes + message.data.length > ITERATION_BYTES_MAX;
    // Once some are missing, all that follow are until the reader has caught up: gaps stay in stream order.
    if (full || this.#missed.length > 0) return addMissed(this.#missed, rangeOf(message));
    this.#messages.push(message);
    this.#bytes += message.data.length;
  }

  next(): Promise<IteratorResult<Message>> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      this.#bytes -= message.data.length;
      if (this.#messages.length === 0) for (const gap of this.#missed.splice(0)) this.#onGap(gap);
      return Promise.resolve({ done: false, value: message });
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<Message>> {
    this.end();
    this.#messages.length = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  /** What is queued can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
    this.#onEnd(this);
  }
}
