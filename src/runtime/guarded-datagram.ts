/**
 * A datagram socket as the rest of the daemon sees it, over whatever a runtime offers: counters instead of errors, a
 * bounded number of waiting sends, and nothing at all after close().
 */
import type { Loop } from './guard.ts';
import type { DatagramOptions, DatagramSocket } from './runtime.ts';
import { systemError } from './socket-path.ts';

/** Sends that the system has not taken yet; further ones are dropped: the mesh protocol repairs better than a queue. */
const PENDING_SENDS_MAX = 1024;

/** What an adapter implements for one socket. It calls onReceived(), onSettled() and fail() of its GuardedDatagram. */
export interface DatagramTransport {
  /** Sends `bytes`, or a copy later. @returns true when onSettled() will tell of its end. May throw. */
  send(bytes: Uint8Array, address: string, port: number): boolean;
  /** May throw. */
  join?(group: string, interfaceName: string): void;
  close(): void;
}

export class GuardedDatagram implements DatagramSocket {
  readonly address: string;
  port = 0;
  sendErrorCount = 0;
  sendDropCount = 0;
  closed = false;
  /** Set by the adapter; undefined while it cannot send. */
  transport: DatagramTransport | undefined;
  readonly #loop: Loop;
  readonly #options: DatagramOptions;
  #pendingCount = 0;

  constructor(loop: Loop, options: DatagramOptions) {
    this.#loop = loop;
    this.#options = options;
    this.address = options.address;
  }

  open(transport: DatagramTransport, port: number): this {
    this.transport = transport;
    this.port = port;
    this.#pendingCount = 0;
    this.#loop.open.add(this);
    return this;
  }

  send(bytes: Uint8Array, address: string, port: number): void {
    if (this.closed) return;
    if (this.transport === undefined || this.#pendingCount >= PENDING_SENDS_MAX) {
      this.sendDropCount++;
      return;
    }
    try {
      if (this.transport.send(bytes, address, port)) this.#pendingCount++;
    } catch {
      this.sendErrorCount++;
    }
  }

  joinMulticast(group: string, interfaceName: string): boolean {
    try {
      this.transport?.join?.(group, interfaceName);
      return this.transport?.join !== undefined;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#loop.open.delete(this);
    this.transport?.close();
  }

  /** @internal */
  onReceived(bytes: Uint8Array, address: string, port: number): void {
    if (this.closed) return;
    try {
      this.#options.onDatagram(bytes, address, port);
    } catch (error) {
      this.#loop.guard.failed(error);
    }
  }

  /** @internal A send that waited is done. Bound: adapters pass it on as it is. */
  readonly onSent = (): void => {
    this.#pendingCount--;
  };
  readonly onSendError = (): void => {
    this.#pendingCount--;
    this.sendErrorCount++;
  };

  /** @internal It will not work again. Bound likewise. */
  readonly fail = (error: unknown): void => {
    if (this.closed) return;
    this.close();
    this.#loop.guard.run(() => this.#options.onClose?.(systemError(error)));
  };
}
