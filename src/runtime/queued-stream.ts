/**
 * A stream as the rest of the daemon sees it, over whatever a runtime offers: bounded write queue, writes of one turn
 * joined into one, pause that really pauses, exactly one onClose, and an end that neither loses what is queued nor
 * waits for ever.
 *
 *   OPEN --end(), end of input--> ENDING --queue written--> SHUT (we have said the last) --their end, 5 s--> CLOSED
 *   any --close(), error--> CLOSED
 */
import { joinBytes } from './files.ts';
import type { Loop } from './guard.ts';
import type { Listener, Stream, StreamHandler, StreamOptions } from './runtime.ts';

const WRITE_QUEUE_BYTES_MAX = 1024 * 1024;
const READ_BYTES_MAX = 4096;
/** Bytes of one write to the system: queued pieces are joined up to here. */
const BATCH_BYTES_MAX = 65536;
const END_MS_MAX = 5000;

const OPEN = 0, ENDING = 1, SHUT = 2, CLOSED = 3;

/**
 * What an adapter implements for one connection. It calls onData(), onEnd(), onWritten() and fail() of its
 * QueuedStream.
 */
export interface Transport {
  /** Set by the QueuedStream. */
  stream?: QueuedStream;
  readonly remoteAddress: string;
  /** Sends all of `bytes`, which stay untouched until it calls onWritten() or fail(). Called again only after that. */
  write(bytes: Uint8Array): void;
  /** Reading starts stopped. Both may be called again and again. */
  startReading(bytesMax: number): void;
  stopReading(): void;
  /** Tells the other end that nothing more comes. */
  shutdown(): void;
  close(): void;
}

export class QueuedStream implements Stream {
  readonly #transport: Transport;
  readonly #loop: Loop;
  readonly #bytesMax: number;
  readonly #readBytesMax: number;
  #handler: StreamHandler | undefined;
  #state = OPEN;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #flushing = false;
  #writingBytes = 0;
  #drainWanted = false;
  #paused = false;
  #inputEnded = false;
  /** Read but not delivered because of pause(). */
  #held: Uint8Array | undefined;
  #endTimer: { set(deadlineMs: number): void; cancel(): void } | undefined;

  constructor(transport: Transport, loop: Loop, options: StreamOptions) {
    this.#transport = transport;
    this.#loop = loop;
    this.#bytesMax = options.writeQueueBytesMax ?? WRITE_QUEUE_BYTES_MAX;
    this.#readBytesMax = options.readBytesMax ?? READ_BYTES_MAX;
    transport.stream = this;
    loop.open.add(this);
  }

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Begins to read; `handler` gets what comes. */
  start(handler: StreamHandler): void {
    this.#handler = handler;
    if (this.#state === CLOSED) this.#loop.later(() => handler.onClose()); // closed in onStream itself
    else this.#read();
  }

  /** For an accepted connection: asks its owner for the handler. A failing owner closes it. */
  accept(onStream: (stream: Stream) => StreamHandler): void {
    try {
      this.start(onStream(this));
    } catch (error) {
      this.#loop.guard.failed(error);
      this.close();
    }
  }

  write(bytes: Uint8Array, shared = false): boolean {
    if (this.#state !== OPEN || this.#queuedBytes + bytes.length > this.#bytesMax) return false;
    if (bytes.length === 0) return true;
    const idle = this.#queuedBytes === 0;
    this.#queuedBytes += bytes.length;
    if (shared && idle) {
      this.#send(bytes);
      return true;
    }
    this.#queue.push(shared ? bytes : bytes.slice());
    this.#flushLater();
    return true;
  }

  pause(): void {
    this.#paused = true;
    if (this.#state === OPEN) this.#transport.stopReading();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#state === CLOSED) return;
    if (this.#held === undefined) this.#read();
    else this.#loop.later(() => this.#deliver());
  }

  end(): void {
    if (this.#state !== OPEN) return;
    this.#state = ENDING;
    this.#held = undefined;
    this.#endTimer = this.#loop.timer(() => this.close());
    this.#endTimer.set(this.#loop.now() + END_MS_MAX);
    this.#flushLater();
  }

  close(): void {
    this.#close(undefined);
  }

  /** The transport has read something; `bytes` are its own again afterwards. */
  onData(bytes: Uint8Array): void {
    if (this.#state !== OPEN) return; // after end() only the end of their input is of interest
    if (this.#paused || this.#held !== undefined) {
      this.#held = joinBytes([this.#held ?? new Uint8Array(0), bytes], (this.#held?.length ?? 0) + bytes.length);
      return;
    }
    for (let at = 0; at < bytes.length && this.#state === OPEN; at += this.#readBytesMax) {
      if (this.#paused) {
        this.#held = bytes.slice(at);
        return;
      }
      const end = at + this.#readBytesMax;
      try {
        this.#handler?.onData(at === 0 && end >= bytes.length ? bytes : bytes.subarray(at, end));
      } catch (error) {
        this.#loop.guard.failed(error);
      }
    }
  }

  /** The other end has said its last. What is queued still goes out. */
  onEnd(): void {
    this.#inputEnded = true;
    if (this.#held !== undefined) return; // delivered first, see #deliver()
    if (this.#state === SHUT) this.#close(undefined);
    else this.end();
  }

  /** The last write() is done. */
  onWritten(): void {
    this.#queuedBytes -= this.#writingBytes;
    this.#writingBytes = 0;
    if (this.#queue.length > 0 || this.#state === ENDING) this.#flush();
    else if (this.#drainWanted && this.#state === OPEN) {
      this.#drainWanted = false;
      this.#loop.guard.run(() => this.#handler?.onDrain?.());
    }
  }

  fail(error: Error): void {
    this.#close(error);
  }

  #deliver(): void {
    if (this.#paused || this.#state === CLOSED) return;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.onData(held);
    if (this.#held === undefined && this.#inputEnded) this.onEnd();
    else this.#read();
  }

  #read(): void {
    const wanted = this.#state === OPEN ? !this.#paused && this.#held === undefined : this.#state !== CLOSED;
    if (wanted && !this.#inputEnded && this.#handler !== undefined) this.#transport.startReading(this.#readBytesMax);
  }

  /** Writes at the end of the turn, so that lines written one by one leave together. */
  #flushLater(): void {
    if (this.#flushing || this.#writingBytes > 0) {
      this.#drainWanted = true;
      return;
    }
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      if (this.#writingBytes === 0) this.#flush();
    });
  }

  #flush(): void {
    if (this.#state === CLOSED) return;
    if (this.#queue.length === 0) {
      if (this.#state === ENDING) this.#shut();
      return;
    }
    this.#send(this.#takeBatch());
  }

  #send(bytes: Uint8Array): void {
    this.#writingBytes = bytes.length;
    try {
      this.#transport.write(bytes);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #takeBatch(): Uint8Array {
    const first = this.#queue[0] as Uint8Array;
    let length = first.length;
    let count = 1;
    for (; count < this.#queue.length; count++) {
      const next = (this.#queue[count] as Uint8Array).length;
      if (length + next > BATCH_BYTES_MAX) break;
      length += next;
    }
    const pieces = this.#queue.splice(0, count);
    if (count === 1) return first;
    return joinBytes(pieces, length);
  }

  #shut(): void {
    this.#state = SHUT;
    if (this.#inputEnded) return this.#close(undefined);
    this.#loop.guard.run(() => this.#transport.shutdown());
    this.#read(); // their end of input ends it
  }

  #close(error: Error | undefined): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#held = undefined;
    this.#endTimer?.cancel();
    this.#loop.open.delete(this);
    this.#loop.guard.run(() => this.#transport.close());
    const handler = this.#handler;
    if (handler !== undefined) this.#loop.later(() => handler.onClose(error));
  }
}

/** A listener that stop() closes too, and only once. */
export function openListener(loop: Loop, port: number, close: () => void): Listener {
  const listener: Listener = {
    port,
    close() {
      if (loop.open.delete(listener)) close();
    },
  };
  loop.open.add(listener);
  return listener;
}
