/**
 * One stream of ours: its log and a cursor for each receiver. A group's public stream has a cursor per member; a stream
 * addressed to one member has just that one.
 */
import type { Alarm } from '../broadcast/alarms.ts';
import type { DatagramWriter } from '../broadcast/datagram-writer.ts';
import { ALIVE, GONE, type Peer } from '../broadcast/peer.ts';
import { DATA_FIRST, DATA_LAST, DATA_PAYLOAD_MAX } from '../wire/data.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Context } from './context.ts';
import { Cursor } from './cursor.ts';
import type { Group } from './group.ts';
import { ENTRY_OVERHEAD_BYTES, LogEntry, SendLog } from './send-log.ts';
import { REFUSED_FULL } from './options.ts';
import type { Session } from './session.ts';

/** A member that answers no probe, or is stale, for so long is not waited for either, unless the policy is `block`. */
const SILENT_LAG_MS = 4_000;
/** What is too old goes at least so much later, so that a full log is not looked at for each packet. */
const EXPIRY_MS_MIN = 1_000;

export class SendStream implements Alarm {
  readonly context: Context;
  readonly group: Group;
  /** To one member only. */
  readonly addressed: boolean;
  readonly log: SendLog;
  readonly cursors = new Map<Peer, Cursor>();
  /** Cursors that wait for their turn in the scheduler. */
  readonly ready: Cursor[] = [];
  closed = false;
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  /** A publish was refused: the application waits for room. */
  #wanted = false;
  #rotation = 0;

  constructor(context: Context, group: Group, addressed: boolean, next: number) {
    this.context = context;
    this.group = group;
    this.addressed = addressed;
    this.log = new SendLog(next);
  }

  /** Timely class: ms from publishing to the deadline; 0: no deadline. */
  get playoutMs(): number {
    return this.group.options.delivery === 'timely' ? this.group.options.playoutMs : 0;
  }

  session(peer: Peer): Session {
    return peer.session as Session;
  }

  /** @param from first sequence number meant for the receiver */
  addReceiver(peer: Peer, from: number): void {
    const cursor = new Cursor(this, peer, from);
    this.cursors.set(peer, cursor);
    this.session(peer).cursors.add(cursor);
    if (cursor.hasNew) this.context.scheduler.ready(cursor);
  }

  removeReceiver(peer: Peer): void {
    const cursor = this.cursors.get(peer);
    if (cursor === undefined) return;
    cursor.close();
    this.cursors.delete(peer);
    this.session(peer).forget(cursor);
  }

  // ---- publishing

  /** @returns the message's sequence number, or REFUSED_FULL. */
  publish(now: number, data: Uint8Array): number {
    const count = Math.max(1, Math.ceil(data.length / DATA_PAYLOAD_MAX));
    this.expire(now);
    if (!this.#makeRoom(now, data.length + count * ENTRY_OVERHEAD_BYTES)) {
      this.#wanted = true;
      return REFUSED_FULL;
    }
    const seq = this.log.next;
    for (let i = 0; i < count; i++) {
      const payload = data.slice(i * DATA_PAYLOAD_MAX, (i + 1) * DATA_PAYLOAD_MAX);
      const entry = new LogEntry(payload, (i === 0 ? DATA_FIRST : 0) | (i === count - 1 ? DATA_LAST : 0), now);
      this.log.push(entry);
      this.context.logBytes += entry.cost;
    }
    this.context.alarms.setEarlier(this, now + this.#keepMs);
    this.#fanOut();
    return seq;
  }

  /** Makes every receiver ready, starting with another one each time, so that nobody is always last. */
  #fanOut(): void {
    const cursors = [...this.cursors.values()];
    const first = this.#rotation++ % Math.max(1, cursors.length);
    for (let i = 0; i < cursors.length; i++) {
      const cursor = cursors[(first + i) % cursors.length]!;
      if (cursor.hasWork) this.context.scheduler.ready(cursor);
    }
  }

  /** A probe leaves at once, outside the node's window, with whatever else is owed to the peer. */
  sendNow(now: number, cursor: Cursor, write: (writer: DatagramWriter) => void): void {
    const { broadcast } = this.context;
    const { way } = cursor.peer;
    if (broadcast.locals[way.local] === undefined) return;
    broadcast.writer.begin(now, way);
    write(broadcast.writer);
    broadcast.writer.send(now);
  }

  // ---- what the log lets go

  /** First sequence number that a receiver we wait for still lacks; log.next when there is none. */
  #heldFrom(now: number, patient = false): number {
    let held = this.log.next;
    for (const cursor of this.cursors.values()) {
      const first = serialAdd(cursor.base, 1);
      const waited = patient ? cursor.peer.reach !== GONE : !this.#lags(now, cursor, first);
      if (serialDiff(first, held) < 0 && waited) held = first;
    }
    return held;
  }

  /** Too slow or too silent to be waited for. */
  #lags(now: number, cursor: Cursor, first: number): boolean {
    if (cursor.peer.reach === GONE) return true;
    if (this.group.options.slow === 'block') return false;
    const entry = this.log.at(first);
    if (entry === undefined || now - entry.publishedAt > this.context.options.lagMs) return true;
    const silent = cursor.silent || cursor.peer.reach !== ALIVE;
    return silent && now - Math.max(cursor.heardAt, entry.publishedAt) > SILENT_LAG_MS;
  }

  /** Bytes that publish() takes now. */
  room(now: number): number {
    return Math.max(0, this.context.options.logBytesMax - this.#heldBytes(now) - ENTRY_OVERHEAD_BYTES);
  }

  /** What it cannot let go. */
  #heldBytes(now: number): number {
    return this.log.bytesFrom(this.#heldFrom(now));
  }

  #makeRoom(now: number, bytes: number): boolean {
    const { context, log } = this;
    const { logBytesMax, nodeLogBytesMax } = context.options;
    const isOver = (): boolean => log.bytes + bytes > logBytesMax || context.logBytes + bytes > nodeLogBytesMax;
    if (!isOver()) return true;
    // First see whether letting go suffices, here and then in other streams: a refused publish must change nothing.
    const held = this.#heldFrom(now);
    const heldBytes = log.bytesFrom(held) + bytes;
    let nodeBytes = context.logBytes - log.bytes + heldBytes;
    if (nodeBytes > nodeLogBytesMax) {
      for (const other of context.sendStreams) if (other !== this) nodeBytes -= other.log.bytes - other.#heldBytes(now);
    }
    if (heldBytes > logBytesMax || nodeBytes > nodeLogBytesMax) return false;
    // What all have goes first, here and in other streams.
    if (log.bytes + bytes <= logBytesMax && context.scheduler.reclaim(now, undefined, bytes, true)) return true;
    while (isOver() && serialDiff(log.low, held) < 0) this.#evict(now);
    if (isOver()) context.scheduler.reclaim(now, this, bytes, false);
    return true;
  }

  /** Lets go of history that nobody waits for; `patient`: that nobody lacks. @returns the bytes gained, 0: nothing to give. */
  reclaim(now: number, patient: boolean): number {
    if (this.log.count === 0 || serialDiff(this.log.low, this.#heldFrom(now, patient)) >= 0) return 0;
    return this.#evict(now);
  }

  #evict(now: number): number {
    const cost = this.log.shift();
    this.context.logBytes -= cost;
    const edge = serialAdd(this.log.low, -1);
    for (const cursor of this.cursors.values()) {
      if (serialDiff(edge, cursor.base) <= 0) continue;
      this.context.counters.evictions++;
      cursor.onEvicted(now, this.group.options.slow === 'evict' ? this.log.next : this.log.low);
    }
    return cost;
  }

  get #keepMs(): number {
    return this.playoutMs || this.context.options.retainMs;
  }

  /** Lets go of what is too old to be of use. */
  expire(now: number): void {
    const before = now - this.#keepMs;
    while (this.log.count > 0 && this.log.oldest()!.publishedAt < before) this.#evict(now);
  }

  onAlarm(now: number): void {
    this.expire(now);
    const oldest = this.log.oldest();
    if (oldest !== undefined) {
      this.context.alarms.set(this, Math.max(now + EXPIRY_MS_MIN, oldest.publishedAt + this.#keepMs));
    }
  }

  /** A receiver acknowledged something. */
  onProgress(now: number, cursor: Cursor): void {
    if (this.addressed && cursor.drained) {
      while (this.log.count > 0) this.context.logBytes -= this.log.shift();
    }
    if (this.#wanted && this.room(now) * 4 > this.context.options.logBytesMax) {
      this.#wanted = false;
      this.context.output.room(this.group);
    }
    this.context.groups.settle(this.group);
  }

  /** See Group. */
  isDrained(patient: boolean): boolean {
    for (const cursor of this.cursors.values()) {
      if (!cursor.drained && (patient || cursor.peer.reach === ALIVE)) return false;
    }
    return true;
  }

  close(): void {
    this.closed = true;
    this.context.alarms.cancel(this);
    for (const peer of [...this.cursors.keys()]) this.removeReceiver(peer);
    this.context.logBytes -= this.log.bytes;
  }
}
