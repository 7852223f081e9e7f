/**
 * Which cursor sends next. Repairs before new data; streams in turn, so that each group has its share; within a stream,
 * receivers in turn. A burst to one path stays within 8 full packets per 5 ms (a forwarding cjdns node queues 16,384
 * bytes), and one call into the node sends at most 100 datagrams.
 */
import type { Alarm } from '../broadcast/alarms.ts';
import type { Cursor } from './cursor.ts';
import type { Context } from './context.ts';
import type { SendStream } from './send-stream.ts';

const PACE_SLOT_MS = 5;
const PACE_SLOT_BYTES = 9_600;
const TURN_DATAGRAMS_MAX = 100;
/** Of these, what other frames are owed may have so many, however much data there is. */
const TURN_OWED_MAX = 50;

export class Scheduler implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  /** Time of the last call into the node. */
  now = 0;
  readonly #context: Context;
  #repairs: Cursor[] = [];
  #streams: SendStream[] = [];
  #paced: Cursor[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** This cursor has new data to send. */
  ready(cursor: Cursor): void {
    if (cursor.queued) return;
    cursor.queued = true;
    const { stream } = cursor;
    stream.ready.push(cursor);
    if (stream.ready.length === 1) this.#streams.push(stream);
  }

  readyRepair(cursor: Cursor): void {
    if (cursor.repairQueued) return;
    cursor.repairQueued = true;
    this.#repairs.push(cursor);
  }

  /** Whatever it has to send may go again. */
  wake(cursor: Cursor): void {
    if (cursor.hasRepairs) this.readyRepair(cursor);
    if (cursor.hasNew) this.ready(cursor);
  }

  /** Paced cursors whose slot is over come back. */
  onAlarm(): void {
    const paced = this.#paced;
    this.#paced = [];
    for (const cursor of paced) this.wake(cursor);
  }

  /**
   * The node's budget is used up: streams give up history, the largest first. `patient`: only what nobody lacks.
   * @returns whether that sufficed.
   */
  reclaim(now: number, wanting: SendStream | undefined, bytes: number, patient: boolean): boolean {
    const { nodeLogBytesMax } = this.#context.options;
    const streams = [...this.#context.sendStreams].filter((stream) => stream !== wanting);
    streams.sort((a, b) => b.log.bytes - a.log.bytes);
    for (const stream of streams) {
      while (this.#context.logBytes + bytes > nodeLogBytesMax && stream.reclaim(now, patient) > 0);
    }
    return this.#context.logBytes + bytes <= nodeLogBytesMax;
  }

  /** Ends a call into the node: data first, acknowledgements riding along, then what is still owed. */
  finish(now: number): void {
    const { broadcast } = this.#context;
    const limit = broadcast.writer.sentCount + TURN_DATAGRAMS_MAX;
    this.now = now;
    this.#pump(now, limit - Math.min(TURN_OWED_MAX, broadcast.outbox.size));
    broadcast.outbox.flush(now, limit);
  }

  /** Sends what may go now. */
  #pump(now: number, limit: number): void {
    const { writer } = this.#context.broadcast;
    while (this.#repairs.length > 0) {
      if (writer.sentCount >= limit) return this.#context.alarms.setEarlier(this, now + 1);
      const cursor = this.#repairs[0]!;
      const sent = cursor.hasRepairs && this.#send(now, cursor);
      if (sent === undefined) return; // the window is full: it stays first
      this.#repairs.shift();
      cursor.repairQueued = false;
      if (sent && cursor.hasRepairs) this.readyRepair(cursor);
    }
    while (this.#streams.length > 0) {
      if (writer.sentCount >= limit) return this.#context.alarms.setEarlier(this, now + 1);
      const stream = this.#streams[0]!;
      const cursor = stream.ready[0]!;
      const sent = cursor.hasNew && this.#send(now, cursor);
      if (sent === undefined) return;
      stream.ready.shift();
      cursor.queued = false;
      if (sent && cursor.hasNew) {
        cursor.queued = true;
        stream.ready.push(cursor);
      }
      this.#streams.shift();
      if (stream.ready.length > 0) this.#streams.push(stream);
    }
  }

  /** @returns true: sent; false: not now, it comes back by itself; undefined: the node's window is full. */
  #send(now: number, cursor: Cursor): boolean | undefined {
    const { peer, stream } = cursor;
    const { broadcast } = this.#context;
    const { way } = peer;
    if (!cursor.hasWork || broadcast.locals[way.local] === undefined || stream.closed) return false;
    if (now - peer.paceAt >= PACE_SLOT_MS) {
      peer.paceAt = now;
      peer.paceBytes = PACE_SLOT_BYTES;
    }
    if (peer.paceBytes <= 0) {
      this.#paced.push(cursor);
      this.#context.alarms.setEarlier(this, peer.paceAt + PACE_SLOT_MS);
      return false;
    }
    const { writer } = broadcast;
    writer.begin(now, way);
    const free = cursor.fill(now, writer);
    if (writer.empty) return free ? true : undefined;
    if (way.dirty) broadcast.outbox.writeOwed(now, way);
    stream.session(peer).ride(now, writer);
    writer.send(now);
    return free ? true : undefined;
  }
}
