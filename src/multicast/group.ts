/** A named group that we are in: its members as they said themselves, our stream to all, and streams to single ones. */
import { ALIVE, GONE, type Peer, STALE } from '../broadcast/peer.ts';
import { DATA_FIRST, DATA_LAST, DATA_PRIVATE } from '../wire/data.ts';
import { DGRAM_LENGTH, DGRAM_PAYLOAD_MAX } from '../wire/dgram.ts';
import { type GroupId, groupKey } from '../wire/group-id.ts';
import { START_ALL, START_NOW } from '../wire/subs.ts';
import { serialAdd, serialDiff } from '../wire/serial.ts';
import type { Context } from './context.ts';
import type { GroupOptions } from './options.ts';
import { GROUP_DEFAULTS, MESSAGE_BYTES_MAX, REFUSED_LEFT, REFUSED_NO_MEMBER, REFUSED_TOO_LONG } from './options.ts';
import { LogEntry } from './send-log.ts';
import { SendStream } from './send-stream.ts';
import type { Session } from './session.ts';
import { SrmRepairs } from './srm-repairs.ts';
import { SrmTimer } from './srm-timer.ts';

export interface GroupMember {
  id: string;
  epoch: number;
  stale: boolean;
  rttMs: number;
}

export interface GroupMessage {
  source: string;
  epoch: number;
  seq: number;
  data: Uint8Array;
}

export class Group {
  readonly name: string;
  readonly idHigh: number;
  readonly idLow: number;
  readonly key: number;
  /** Other members by id; those that are gone for now included. */
  readonly peers = new Map<string, Peer>();
  options = GROUP_DEFAULTS;
  left = false;
  /** Tells this membership of ours from those before it. */
  life = 0;
  readonly stream: SendStream;
  readonly addressed = new Map<Peer, SendStream>();
  /** `srm` repair mode: this member's constants, and the repairs we owe as a source. */
  readonly requestTimer: SrmTimer;
  readonly repairTimer: SrmTimer;
  readonly repairs: SrmRepairs;
  readonly #context: Context;

  /** @param next the first number of the public stream */
  constructor(context: Context, name: string, id: GroupId, next: number) {
    this.#context = context;
    this.name = name;
    this.idHigh = id.high;
    this.idLow = id.low;
    this.key = groupKey(id.high, id.low);
    this.requestTimer = new SrmTimer(context.options.srmAdaptive);
    this.repairTimer = new SrmTimer(context.options.srmAdaptive);
    this.repairTimer.fixed = this.repairTimer.random = 1;
    this.repairs = new SrmRepairs(context, this);
    this.stream = new SendStream(context, this, false, next);
    context.sendStreams.add(this.stream);
  }

  /** We are in it now, for the first time or again. */
  enter(options: Required<GroupOptions>, life: number): void {
    this.options = options;
    this.life = life;
    this.left = false;
  }

  get srm(): boolean {
    return this.options.repair === 'srm';
  }

  // ---- the application's side

  /** Publishes to all members. @returns the sequence number (0 too: they wrap), or a REFUSED_ number, below 0. */
  publish(now: number, data: Uint8Array): number {
    if (this.left) return REFUSED_LEFT;
    if (this.options.delivery === 'datagram') return this.datagram(now, data);
    if (data.length > MESSAGE_BYTES_MAX) return REFUSED_TOO_LONG;
    const seq = this.#published(now, this.stream.publish(now, data));
    if (this.srm && seq >= 0) this.repairs.onPublish(now);
    return seq;
  }

  /** Publishes to one member, reliably and in order; nobody else ever gets it. */
  publishTo(now: number, member: string, data: Uint8Array): number {
    if (this.left) return REFUSED_LEFT;
    if (data.length > MESSAGE_BYTES_MAX) return REFUSED_TOO_LONG;
    const peer = this.peers.get(member);
    if (peer === undefined) return REFUSED_NO_MEMBER;
    let stream = this.addressed.get(peer);
    const next = this.#nextFor(peer, stream?.log.next);
    // Another of its names was sent more since: what it lacks under this one is told as a gap, if it does.
    if (stream !== undefined && next !== stream.log.next) this.#end(peer, stream);
    if (stream === undefined || stream.closed) {
      stream = new SendStream(this.#context, this, true, next);
      this.#context.sendStreams.add(stream);
      this.addressed.set(peer, stream);
      stream.addReceiver(peer, stream.log.next);
    }
    return this.#published(now, stream.publish(now, data));
  }

  /** It may come back by another name, or under this name as another daemon. */
  #privateKeys(peer: Peer): string[] {
    return [`${this.key} ${peer.identity}`, `${this.key} ${peer.id}`];
  }

  /** Numbers are used once for a node, by whichever of its names it was called before. `begun`: it has come so far by this. */
  #nextFor(peer: Peer, begun?: number): number {
    const [own, other] = this.#privateKeys(peer).map((key) => this.#context.numbers.next(key, begun)) as [number, number];
    let next = serialDiff(other, own) > 0 ? other : own;
    for (const [{ identity }, { log }] of this.addressed) {
      if (identity === peer.identity && serialDiff(log.next, next) > 0) next = log.next;
    }
    return next;
  }

  #published(now: number, seq: number): number {
    const { counters } = this.#context;
    if (seq < 0) {
      counters.publishesRefused++;
      return seq;
    }
    counters.messagesSent++;
    this.#context.scheduler.finish(now);
    return seq;
  }

  /** Sends once to all members, unreliably. @returns 0 or a REFUSED_ number. */
  datagram(now: number, data: Uint8Array): number {
    if (this.left) return REFUSED_LEFT;
    if (data.length > DGRAM_PAYLOAD_MAX) return REFUSED_TOO_LONG;
    const entry = this.#dgram(now, 0, data);
    for (const cursor of this.stream.cursors.values()) if (cursor.peer.reach === ALIVE) cursor.sendDatagram(entry);
    this.#context.scheduler.finish(now);
    return 0;
  }

  datagramTo(now: number, member: string, data: Uint8Array): number {
    if (this.left) return REFUSED_LEFT;
    if (data.length > DGRAM_PAYLOAD_MAX) return REFUSED_TOO_LONG;
    const peer = this.peers.get(member);
    if (peer === undefined || peer.reach === GONE) return REFUSED_NO_MEMBER;
    if (peer.reach === ALIVE) this.stream.cursors.get(peer)?.sendDatagram(this.#dgram(now, DATA_PRIVATE, data));
    this.#context.scheduler.finish(now);
    return 0;
  }

  #dgram(now: number, flags: number, data: Uint8Array): LogEntry {
    const body = new Uint8Array(DGRAM_LENGTH + data.length);
    const view = new DataView(body.buffer);
    view.setUint32(0, this.idHigh);
    view.setUint32(4, this.idLow);
    view.setUint32(8, this.#context.dgramNext);
    this.#context.dgramNext = serialAdd(this.#context.dgramNext, 1);
    body.set(data, DGRAM_LENGTH);
    return new LogEntry(body, flags, now);
  }

  /** Other members, without those that are gone for now. */
  members(): GroupMember[] {
    return [...this.peers.values()].filter((peer) => peer.reach !== GONE).map((peer) => ({
      id: peer.id,
      epoch: peer.epoch,
      stale: peer.reach === STALE,
      rttMs: peer.roundTrip.sampleCount > 0 ? peer.roundTrip.srttMs : 0,
    }));
  }

  /** Bytes that publish() takes, as of the last event. */
  get room(): number {
    return this.stream.room(this.#context.scheduler.now);
  }

  /** Our own messages that the log still holds, oldest first. */
  history(last = Infinity): GroupMessage[] {
    const { log } = this.stream;
    const messages: GroupMessage[] = [];
    let parts: Uint8Array[] = [];
    let from = log.low;
    const first = last === Infinity ? log.low : log.startOfLast(last);
    for (let seq = first; seq !== log.next; seq = serialAdd(seq, 1)) {
      const entry = log.at(seq)!;
      if (entry.flags & DATA_FIRST) {
        parts = [];
        from = seq;
      }
      parts.push(entry.payload);
      if (entry.flags & DATA_LAST) {
        const data = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
        parts.reduce((at, part) => (data.set(part, at), at + part.length), 0);
        messages.push({ source: '', epoch: this.#context.options.epoch, seq: from, data });
      }
    }
    return messages;
  }

  status(): Record<string, number> {
    let holes = 0;
    let reorderBytes = 0;
    let slowest = 0;
    for (const peer of this.peers.values()) {
      const stream = (peer.session as Session).streams.get(this.key);
      holes += stream?.holeCount ?? 0;
      reorderBytes += stream?.keptBytes ?? 0;
    }
    for (const cursor of this.stream.cursors.values()) {
      slowest = Math.max(slowest, serialDiff(this.stream.log.next, cursor.base) - 1);
    }
    const { log } = this.stream;
    return {
      members: this.peers.size + 1,
      nextSeq: log.next,
      lowSeq: log.low,
      logPackets: log.count,
      logBytes: log.bytes,
      slowestLag: slowest,
      holes,
      reorderBytes,
      addressedStreams: this.addressed.size,
    };
  }

  // ---- the node's side

  addMember(peer: Peer, startByte: number): void {
    if (this.peers.has(peer.id)) return;
    this.peers.set(peer.id, peer);
    const { log } = this.stream;
    const from = startByte === START_NOW ? log.next : log.startOfLast(startByte === START_ALL ? Infinity : startByte);
    this.stream.addReceiver(peer, from);
  }

  removeMember(peer: Peer): void {
    if (!this.peers.delete(peer.id)) return;
    this.stream.removeReceiver(peer);
    const own = this.addressed.get(peer);
    if (own !== undefined) this.#end(peer, own);
    this.#context.groups.settle(this);
  }

  /** Its node goes by another name now: what it lacks of what was sent to it alone goes there, under the same numbers. */
  handOver(peer: Peer, lead: Peer): void {
    const own = this.addressed.get(peer);
    const other = this.addressed.get(lead);
    const cursor = own?.cursors.get(peer);
    if (own === undefined || cursor === undefined || cursor.drained || !this.peers.has(lead.id)) return;
    const from = serialAdd(cursor.base, 1);
    // What the leader lacks stays, and what came before the last that it has would be a repetition to it.
    if (other !== undefined && (!other.isDrained(true) || serialDiff(from, other.log.next) < 0)) return;
    if (other !== undefined) this.#end(lead, other);
    this.addressed.delete(peer);
    this.addressed.set(lead, own);
    own.removeReceiver(peer);
    own.addReceiver(lead, from);
  }

  #end(peer: Peer, stream: SendStream): void {
    for (const key of this.#privateKeys(peer)) this.#context.numbers.keep(key, stream.log.next);
    this.addressed.delete(peer);
    this.#context.sendStreams.delete(stream);
    stream.close();
  }

  /** The members have all that was published, or know what they will not get; `patient`: also those that cannot be reached. */
  isDrained(patient: boolean): boolean {
    if (!this.stream.isDrained(patient)) return false;
    for (const stream of this.addressed.values()) if (!stream.isDrained(patient)) return false;
    return true;
  }

  close(): void {
    for (const peer of [...this.peers.values()]) this.removeMember(peer);
    this.#context.sendStreams.delete(this.stream);
    this.repairs.close();
    this.stream.close();
  }
}

