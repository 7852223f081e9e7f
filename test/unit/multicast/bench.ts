/**
 * One MeshNode on a bench: its clock is a number, its random a constant, what it sends and says is recorded, and the other
 * nodes are played by hand (Remote), frame by frame, through a wire codec of their own.
 */
import type { Group } from '../../../src/multicast/group.ts';
import { MeshNode } from '../../../src/multicast/node.ts';
import type { GapReason, MemberState, NodeOutput, PeerState } from '../../../src/multicast/node-output.ts';
import type { GroupOptions, NodeOptions } from '../../../src/multicast/options.ts';
import { groupIdOf } from '../../../src/wire/group-id.ts';
import { bytesOf, datagramHex, hexOf, readDatagram, type WireDatagram, type WireFrame } from '../wire/codec.ts';

export const PORT = 14627;
export const EPOCH = 0x66000001;
export const REMOTE_EPOCH = 0x66001001;
const STEPS_MAX = 20_000;

// DATA, STATUS and HELLO flags, as the specification has them.
export const ACK_NOW = 1;
export const FIRST = 2;
export const LAST = 4;
export const REPAIR = 8;
export const START = 16;
export const PRIVATE = 32;
export const NEED_START = 1;
export const ECHO = 2;
export const PROBE = 1;
export const BYE = 2;
/** A whole message in one packet. */
export const WHOLE = FIRST | LAST;

export function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 64));
}

/** Stands in for SHA-256: 32 bytes that differ for different names. */
export function stirred(bytes: Uint8Array): Uint8Array {
  let hash = 0x811c9dc5;
  const digest = new Uint8Array(32);
  for (let i = 0; i < 32; i++) {
    for (const byte of bytes) hash = Math.imul(hash ^ byte ^ i, 0x01000193);
    digest[i] = hash >>> 24;
  }
  return digest;
}

export function groupHex(name: string): string {
  const { high, low } = groupIdOf(name, stirred);
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** A datagram that the node sent; read only when somebody looks into it. */
export class Sent {
  readonly at: number;
  readonly local: number;
  readonly to: string;
  readonly bytes: Uint8Array;
  #read: WireDatagram | undefined;

  constructor(at: number, local: number, to: string, bytes: Uint8Array) {
    this.at = at;
    this.local = local;
    this.to = to;
    this.bytes = bytes;
  }

  get #datagram(): WireDatagram {
    return (this.#read ??= readDatagram(this.bytes));
  }
  get frames(): WireFrame[] {
    return this.#datagram.frames;
  }
  get epoch(): number {
    return this.#datagram.epoch;
  }
  get receiverEpochLow(): number {
    return this.#datagram.receiverEpochLow;
  }
  get timestamp(): number {
    return this.#datagram.timestamp;
  }
  get size(): number {
    return this.bytes.length;
  }
}

export class Bench implements NodeOutput {
  now = 100_000;
  readonly node: MeshNode;
  /** All datagrams sent since the last take(). */
  sent: Sent[] = [];
  /** What the node told its host, one line each, since the last takeEvents(). */
  events: string[] = [];
  local: number;
  randoms: number[] = [];
  nonceCount = 0;

  constructor(options: Partial<NodeOptions> = {}, random?: () => number) {
    const constant = (): number => this.randoms.shift() ?? 0.5;
    this.node = new MeshNode({ epoch: EPOCH, port: PORT, sha256: stirred, ...options }, random ?? constant, this);
    this.local = this.node.addLocal(this.now, 'fd00::1', 'test', true);
  }

  // ---- NodeOutput

  send(local: number, address: string, port: number, bytes: Uint8Array): void {
    const to = port === PORT ? address : `${address} ${port}`;
    this.sent.push(new Sent(this.now, local, to, bytes.slice()));
  }
  peer(id: string, state: PeerState): void {
    this.events.push(`peer ${id} ${state}`);
  }
  message(group: Group, source: string, _epoch: number, seq: number, data: Uint8Array, addressed: boolean): void {
    const text = data.length > 40 ? `${data.length} bytes` : textOf(data);
    this.events.push(`${group.name} ${source} ${seq}${addressed ? '!' : ''} ${text}`);
  }
  datagram(group: Group, source: string, data: Uint8Array): void {
    this.events.push(`${group.name} ${source} datagram ${textOf(data)}`);
  }
  gap(group: Group, source: string, _epoch: number, from: number, to: number, reason: GapReason, addressed: boolean): void {
    this.events.push(`${group.name} ${source} gap ${from}-${to}${addressed ? '!' : ''} ${reason}`);
  }
  member(group: Group, id: string, state: MemberState, epoch: number): void {
    this.events.push(`${group.name} ${id} ${state}${epoch === REMOTE_EPOCH ? '' : ` ${epoch - REMOTE_EPOCH}`}`);
  }
  room(group: Group): void {
    this.events.push(`${group.name} room`);
  }

  // ---- driving

  /** Lets time pass, firing every timer on its deadline. */
  until(time: number): void {
    for (let steps = 0; this.node.deadline <= time; steps++) {
      if (steps > STEPS_MAX) throw new Error(`the node spins at ${this.now}`);
      this.now = Math.max(this.now, this.node.deadline);
      this.node.onTimeout(this.now);
    }
    this.now = time;
    this.node.onTimeout(time);
  }

  wait(ms: number): void {
    this.until(this.now + ms);
  }

  /** Lets time pass until something has happened, ten seconds at most. */
  waitFor(happened: () => boolean): void {
    const limit = this.now + 10_000;
    while (!happened()) {
      if (this.now > limit) throw new Error('it does not happen');
      this.wait(1);
    }
  }

  join(name = 'g', options: GroupOptions = {}): Group {
    const group = this.node.join(this.now, name, options);
    if (group === undefined) throw new Error('too many groups');
    return group;
  }

  publish(group: Group, data: string | number): number {
    return group.publish(this.now, typeof data === 'number' ? new Uint8Array(data).fill(120) : bytesOfText(data));
  }

  /** Raw bytes from an address. */
  receive(from: string, bytes: Uint8Array, port = PORT, local = this.local): void {
    this.node.onDatagram(this.now, local, from, port, bytes);
  }

  /**
   * A node that has greeted, is alive with a round trip of exactly `rttMs` without variation, and is in
   * `groups`.
   */
  meet(address: string, groups: string[] = [], rttMs = 100): Remote {
    const remote = new Remote(this, address);
    remote.greet(rttMs);
    remote.steady(rttMs);
    remote.subscribe(groups);
    remote.acknowledgeSubs();
    this.take();
    this.events = [];
    return remote;
  }

  take(): Sent[] {
    const { sent } = this;
    this.sent = [];
    return sent;
  }

  takeEvents(): string[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  status(name: string): number {
    return this.node.counters[name] ?? NaN;
  }
}

let remoteCount = 0x1234;

export class Remote {
  readonly bench: Bench;
  readonly address: string;
  port = PORT;
  epoch = REMOTE_EPOCH;
  nonce = 0x77;
  /** Each daemon draws its own. */
  identity = ++remoteCount;
  /** Low half of the bench's epoch as this node knows it. */
  knows = 0;
  subsVersion = 1;
  groups: { group: string; life: number; start: number }[] = [];

  constructor(bench: Bench, address: string) {
    this.bench = bench;
    this.address = address;
  }

  datagram(...frames: WireFrame[]): Uint8Array {
    const timestamp = this.bench.now;
    const told = frames.map((one) => ({ life: this.#life(one), ...one }));
    return bytesOf(datagramHex({ receiverEpochLow: this.knows, epoch: this.epoch, timestamp, frames: told }));
  }

  /** What a frame has to say of lives unless the test says so itself: STATUS of ours, START of the bench's. */
  #life({ frame, group }: WireFrame): number {
    if (frame === 'STATUS') return this.groups.find((one) => one.group === group)?.life ?? 0;
    return [...this.bench.node.groups].find(({ name }) => groupHex(name) === group)?.life ?? 0;
  }

  send(...frames: WireFrame[]): void {
    this.bench.receive(this.address, this.datagram(...frames), this.port);
  }

  hello(fields: Partial<WireFrame> = {}): WireFrame {
    const { nonce, identity, subsVersion } = this;
    return { frame: 'HELLO', flags: 0, nonce, identity, subsVersion, keepaliveS: 30, streams: [], ...fields };
  }

  /** A full greeting from our side: nonce, its echo and a probe, the echo of that. */
  greet(rttMs = 100): void {
    const { bench } = this;
    this.send(this.hello({ flags: PROBE }));
    const answer = this.find('HELLO');
    if (answer === undefined) throw new Error('no answer to HELLO');
    const echoTimestamp = bench.now;
    bench.wait(rttMs);
    this.knows = EPOCH & 0xffff;
    this.send(this.hello({ echoNonce: answer['nonce'], echoTimestamp }));
  }

  /** Samples until the round trip to this node has no variation: timers are plain sums then. */
  steady(rttMs: number): void {
    const { roundTrip } = this.bench.node.broadcast.peers.find(this.address)!;
    for (let i = 0; i < 40; i++) roundTrip.onSample(this.bench.now, rttMs);
  }

  subscribe(names: string[], start = 0): void {
    this.subsVersion++;
    this.groups = names.map(groupHex).map((group) => {
      const life = this.groups.find((one) => one.group === group)?.life ?? this.subsVersion & 255;
      return { group, life, start };
    });
    this.send({ frame: 'SUBS', flags: 0, version: this.subsVersion, groups: this.groups });
  }

  acknowledgeSubs(): void {
    const subs = this.find('SUBS');
    if (subs) this.send({ frame: 'SUBS_ACK', flags: 0, version: subs['version'] });
  }

  /** DATA of this node's own stream; a whole message unless `flags` says otherwise. */
  data(seq: number, payload = `m${seq}`, fields: Partial<WireFrame> & { name?: string } = {}): void {
    const { name = 'g', ...rest } = fields;
    const hex = hexOf(bytesOfText(payload));
    this.send({ frame: 'DATA', flags: WHOLE, group: groupHex(name), seq, lowOffset: seq - 1, payload: hex, ...rest });
  }

  /** DATA that begins the stream for the bench. */
  begin(seq = 1, fields: Partial<WireFrame> = {}): void {
    this.data(seq, `m${seq}`, { flags: WHOLE | START, start: seq, lowOffset: 0, ...fields });
  }

  /** STATUS of the bench's stream: all up to `cumulative` have arrived, those up to `nackHigh` are asked for. */
  status(cumulative: number, fields: Partial<WireFrame> & { name?: string } = {}): void {
    this.send(this.statusFrame(cumulative, fields));
  }

  statusFrame(cumulative: number, fields: Partial<WireFrame> & { name?: string } = {}): WireFrame {
    const { name = 'g', ...rest } = fields;
    return {
      frame: 'STATUS', flags: 0, group: groupHex(name), epochLow: EPOCH & 0xffff, cumulative, nackHigh: cumulative,
      high: cumulative, window: 128, ...rest,
    };
  }

  poll(high: number, low: number, fields: Partial<WireFrame> = {}): void {
    this.send({ frame: 'POLL', flags: 0, group: groupHex('g'), high, low, ...fields });
  }

  /** Frames sent to this node since the last take(), of one kind. */
  heard(kind?: string): WireFrame[] {
    const to = this.port === PORT ? this.address : `${this.address} ${this.port}`;
    const frames = this.bench.sent.filter((sent) => sent.to === to).flatMap((sent) => sent.frames);
    return kind === undefined ? frames : frames.filter((one) => one.frame === kind);
  }

  /** The last of them. */
  find(kind: string): WireFrame | undefined {
    return this.heard(kind).at(-1);
  }

  /** Sequence numbers of DATA sent to this node since the last take(). */
  seqs(): number[] {
    return this.heard('DATA').map((frame) => frame['seq'] as number);
  }
}

export function hexOfText(text: string): string {
  return hexOf(bytesOfText(text));
}
