/** Layer 2's side of one peer: our cursors towards it, its streams towards us, and the frames owed to it. */
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import { ALIVE, type Peer, type PeerSession } from '../broadcast/peer.ts';
import type { Context } from './context.ts';
import type { Cursor } from './cursor.ts';
import { DatagramDedup } from './datagram-dedup.ts';
import type { Group } from './group.ts';
import { ReceiveStream } from './receive-stream.ts';

const FRAMES_MAX = 64;

export class Session implements PeerSession {
  readonly peer: Peer;
  /** One of our cursors waits to hear from it. */
  waiting = false;
  readonly cursors = new Set<Cursor>();
  /** Its streams by group key, the public and the addressed ones. */
  readonly streams = new Map<number, ReceiveStream>();
  readonly addressed = new Map<number, ReceiveStream>();
  /** Memory for what its streams cannot hand over yet. */
  keptBytes = 0;
  readonly dedup = new DatagramDedup();
  readonly #context: Context;
  readonly #owedStatus: ReceiveStream[] = [];
  readonly #owedPolls: Cursor[] = [];
  /** Frames of other parts, already encoded: [type, flags, body]. */
  readonly #owedFrames: [number, number, Uint8Array][] = [];

  constructor(context: Context, peer: Peer) {
    this.#context = context;
    this.peer = peer;
  }

  owe(cursor: Cursor): void {
    if (!this.#owedPolls.includes(cursor)) this.#owedPolls.push(cursor);
    this.#context.broadcast.outbox.touch(this.peer.way);
  }

  oweStatus(stream: ReceiveStream): void {
    if (!this.#owedStatus.includes(stream)) this.#owedStatus.push(stream);
    this.#context.broadcast.outbox.touch(this.peer.way);
  }

  /** What only helps, for one that is alive; of too many the newest is dropped. @returns false when dropped. */
  oweFrame(type: number, flags: number, body: Uint8Array): boolean {
    if (this.peer.reach !== ALIVE || this.#owedFrames.length >= FRAMES_MAX) return false;
    this.#owedFrames.push([type, flags, body]);
    this.#context.broadcast.outbox.touch(this.peer.way);
    return true;
  }

  receiveStream(group: Group, addressed: boolean): ReceiveStream {
    const streams = addressed ? this.addressed : this.streams;
    let stream = streams.get(group.key);
    if (stream === undefined) {
      stream = new ReceiveStream(this.#context, group, this.peer, addressed);
      streams.set(group.key, stream);
    }
    return stream;
  }

  /** Another node needs memory: the stream that keeps most gives some back. */
  yieldRoom(): void {
    const streams = [...this.streams.values(), ...this.addressed.values()];
    streams.reduce((most, stream) => (stream.keptBytes > most.keptBytes ? stream : most)).yieldRoom();
  }

  forget(cursor: Cursor): void {
    this.cursors.delete(cursor);
    const index = this.#owedPolls.indexOf(cursor);
    if (index >= 0) this.#owedPolls.splice(index, 1);
  }

  /** Appends what is owed. @returns true when some did not fit. */
  writeFrames(now: number, writer: DatagramWriter): boolean {
    while (this.#owedStatus.length > 0) {
      if (!this.#owedStatus[0]!.writeStatus(now, writer)) return true;
      this.#owedStatus.shift();
    }
    while (this.#owedPolls.length > 0) {
      if (!this.#owedPolls[0]!.writePoll(now, writer)) return true;
      this.#owedPolls.shift();
    }
    while (this.#owedFrames.length > 0) {
      const [type, flags, body] = this.#owedFrames[0]!;
      if (writer.room < body.length) return true;
      writer.bytes.set(body, writer.bodyAt);
      writer.close(type, flags, writer.bodyAt + body.length);
      this.#owedFrames.shift();
    }
    return false;
  }

  /** Acknowledgements that would be due later ride along with data that leaves now. */
  ride(now: number, writer: DatagramWriter): void {
    for (const streams of [this.streams, this.addressed]) {
      for (const stream of streams.values()) {
        if (stream.unacknowledgedCount > 0 && !stream.writeStatus(now, writer)) return;
      }
    }
  }

  /** Bytes of DATA that it has not acknowledged, sent or not. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const cursor of this.cursors) bytes += cursor.queuedBytes;
    return bytes;
  }

  /** The peer is stale or gone: nothing is on its way to it, and what it was owed will be old news. */
  onAway(now: number): void {
    this.#owedFrames.length = 0;
    for (const cursor of this.cursors) cursor.onAway(now);
  }

  /** The peer was heard again after it had not answered. */
  onHeard(now: number): void {
    this.waiting = false;
    for (const cursor of this.cursors) cursor.onHeard(now);
  }
}
