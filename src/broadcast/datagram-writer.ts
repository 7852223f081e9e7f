/** Builds one datagram at a time in one buffer: header, then frames, all to one peer. */
import { closeFrame, DATAGRAM_BYTES_MAX, FRAME_HEADER_LENGTH } from '../wire/frame.ts';
import { encodeHeader, HEADER_LENGTH } from '../wire/header.ts';
import type { Peer } from './peer.ts';

export interface DatagramOutput {
  send(local: number, address: string, port: number, bytes: Uint8Array): void;
}

export class DatagramWriter {
  readonly bytes = new Uint8Array(DATAGRAM_BYTES_MAX);
  readonly view = new DataView(this.bytes.buffer);
  sentCount = 0;
  sentBytes = 0;
  #at = 0;
  #peer: Peer | undefined;
  readonly #epoch: number;
  readonly #output: DatagramOutput;

  constructor(epoch: number, output: DatagramOutput) {
    this.#epoch = epoch;
    this.#output = output;
  }

  begin(now: number, peer: Peer): void {
    this.#peer = peer;
    this.#at = encodeHeader(this.view, peer.epoch, this.#epoch, now);
  }

  /** Body bytes that another frame may have. */
  get room(): number {
    return DATAGRAM_BYTES_MAX - this.#at - FRAME_HEADER_LENGTH;
  }
  /** Where the next frame's body goes. */
  get bodyAt(): number {
    return this.#at + FRAME_HEADER_LENGTH;
  }
  get empty(): boolean {
    return this.#at === HEADER_LENGTH;
  }
  get length(): number {
    return this.#at;
  }

  /** Ends a frame whose body has been written from bodyAt up to `end`. */
  close(type: number, flags: number, end: number): void {
    this.#at = closeFrame(this.view, this.#at, type, flags, end);
  }

  /** Sends what has been written, if anything. */
  send(now: number): void {
    const peer = this.#peer!;
    if (this.empty) return;
    peer.sentAt = now;
    this.sentCount++;
    this.sentBytes += this.#at;
    this.#output.send(peer.local, peer.address, peer.port, this.bytes.subarray(0, this.#at));
    this.#at = HEADER_LENGTH;
  }
}
