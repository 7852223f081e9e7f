/**
 * One program connected to our bus. What it sends is handled message by message, and not at all while its own answers fill
 * its queue: a caller that does not read its replies is not served, and loses none. Notifications, which it did not ask for
 * one by one, are dropped when they would fill the queue; whoever sent them is told.
 */
import type { Stream, StreamHandler } from '../runtime/runtime.ts';
import type { BusObject } from './bus-object.ts';
import type { Frame } from './message.ts';
import { ATTR_OBJID, FrameReader, finishMessage, MSG_MONITOR, startMessage } from './message.ts';

/** Queued bytes past which the client is not served, and past which notifications are dropped. */
export const SERVED_QUEUE_BYTES_MAX = 256 * 1024;
export const NOTIFY_QUEUE_BYTES_MAX = 256 * 1024;
/** The queue itself: the above and one message of the largest size. */
export const CLIENT_QUEUE_BYTES_MAX = 2 * 1024 * 1024;

/** What its bus does for a client. */
export interface ServerClientOwner {
  message(client: ServerClient, frame: Frame): void;
  /** Told of everything a client receives, for monitors; `type` is never MONITOR. */
  sent(client: ServerClient, message: Uint8Array): void;
  drained(client: ServerClient): void;
  gone(client: ServerClient): void;
  /** A message did not fit its queue. */
  dropped(): void;
  /** Bytes of incomplete messages grew or shrank. @returns false when all clients together hold too many. */
  pending(delta: number): boolean;
}

export class ServerClient implements StreamHandler {
  readonly id: number;
  readonly stream: Stream;
  readonly objects = new Set<BusObject>();
  /** Number of the next MONITOR message; 0 while it does not monitor. */
  monitorSeq = 0;
  readonly #owner: ServerClientOwner;
  readonly #reader = new FrameReader();
  #pending = 0;
  #waiting = false;

  constructor(id: number, stream: Stream, owner: ServerClientOwner) {
    this.id = id;
    this.stream = stream;
    this.#owner = owner;
  }

  onData(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    this.#serve();
  }

  onDrain(): void {
    this.#owner.drained(this);
    if (!this.#waiting) return;
    this.#waiting = false;
    this.stream.resume();
    this.#reader.push(NOTHING);
    this.#serve();
  }

  onClose(): void {
    this.#owner.pending(-this.#pending);
    this.#pending = 0;
    this.#owner.gone(this);
  }

  /** @returns false when dropped: its queue is full. */
  send(message: Uint8Array): boolean {
    if (message[1] !== MSG_MONITOR) this.#owner.sent(this, message);
    const fits = this.stream.queuedBytes + message.length <= CLIENT_QUEUE_BYTES_MAX;
    // In two writes when it is long: onDrain comes only after a write that had to wait for another.
    const first = message.length > SERVED_QUEUE_BYTES_MAX ? message.length >> 1 : 0;
    if (fits && (first === 0 || this.stream.write(message.subarray(0, first))) && this.stream.write(message.subarray(first))) return true;
    this.#owner.dropped();
    return false;
  }

  /** As send(), but leaves room for replies. */
  notify(message: Uint8Array): boolean {
    if (this.stream.queuedBytes + message.length <= NOTIFY_QUEUE_BYTES_MAX) return this.send(message);
    this.#owner.dropped();
    return false;
  }

  /** Tells one of its objects something of its own: `type` with OBJID and what `put` adds. */
  tell(type: number, object: BusObject, put: (writer: ReturnType<typeof startMessage>) => void): void {
    const writer = startMessage(type, ++object.invokeSeq & 0xffff, 0, 32);
    writer.putInt32(ATTR_OBJID, object.id);
    put(writer);
    this.send(finishMessage(writer));
  }

  #serve(): void {
    for (;;) {
      if (this.stream.queuedBytes > SERVED_QUEUE_BYTES_MAX) {
        this.#reader.hold();
        this.#waiting = true;
        this.stream.pause();
        break;
      }
      const frame = this.#reader.next();
      if (frame === undefined) break;
      this.#owner.message(this, frame);
    }
    const delta = this.#reader.pendingBytes - this.#pending;
    this.#pending += delta;
    if (this.#reader.broken || (delta !== 0 && !this.#owner.pending(delta))) this.stream.close();
  }
}

const NOTHING = new Uint8Array(0);
