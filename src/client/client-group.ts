/** What the two kinds of client share: data as bytes, group events handed to the handler and to iterations, errors by name. */
import { statusName } from '../ubus/status.ts';
import type { Datagram, Gap, GroupHandler, MemberEvent, Message } from './client.ts';
import { ClientError } from './client.ts';
import { MessageQueue } from './message-queue.ts';

export const MESSAGE_BYTES_MAX = 65536;

/** @throws ClientError INVALID_ARGUMENT when longer than `bytesMax`. */
export function toBytes(data: Uint8Array | string, bytesMax: number): Uint8Array {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  if (bytes.length > bytesMax) throw new ClientError('INVALID_ARGUMENT', `${bytes.length} bytes, at most ${bytesMax} fit`);
  return bytes;
}

/** A publication that found no room is BUSY to programs; ubus has no such status and says NO_MEMORY. */
export function publishError(status: number, error: string): ClientError {
  const name = statusName(status);
  return new ClientError(name === 'NO_MEMORY' ? 'BUSY' : name, error === '' ? `refused: ${name}` : error);
}

/** A handler and the iterations of one group. */
export class Listeners {
  readonly handler: GroupHandler;
  readonly #queues = new Set<MessageQueue>();
  #ended = false;

  constructor(handler: GroupHandler) {
    this.handler = handler;
  }

  message(message: Message): void {
    if (this.#ended) return;
    for (const queue of this.#queues) queue.push(message);
    this.handler.onMessage?.(message);
  }

  gap(gap: Gap): void {
    if (!this.#ended) this.handler.onGap?.(gap);
  }
  datagram(datagram: Datagram): void {
    if (!this.#ended) this.handler.onDatagram?.(datagram);
  }
  member(event: MemberEvent): void {
    if (!this.#ended) this.handler.onMember?.(event);
  }

  iterate(): MessageQueue {
    const queue = new MessageQueue((gap) => this.gap(gap), (ended) => void this.#queues.delete(ended));
    if (this.#ended) queue.end();
    else this.#queues.add(queue);
    return queue;
  }

  end(): void {
    this.#ended = true;
    for (const queue of [...this.#queues]) queue.end();
  }

  get ended(): boolean {
    return this.#ended;
  }
}
