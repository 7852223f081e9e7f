/**
 * The simulated network: for each datagram it decides whether it arrives, when, and how often. Uplink queue first, then the
 * losses, then the delay. Bytes are copied into pooled slots, so that a core that keeps a reference to a received or sent
 * buffer is found out. It knows nodes by number only.
 */
import type { EventQueue } from './event-queue.ts';
import type { NetworkOptions } from './network-options.ts';
import { OnOff } from './on-off.ts';
import type { Prng } from './prng.ts';

export const EVENT_PACKET = 1;
/** The same on a mesh beside the first: plus the number of the mesh. */
export const EVENT_FURTHER_PACKET = 8;
export const DATAGRAM_BYTES_MAX = 1472;

export const FATE_SENT = 0;
export const FATE_QUEUE = 1;
export const FATE_BLOCKED = 2;
export const FATE_OUTAGE = 3;
export const FATE_BURST = 4;
export const FATE_LOSS = 5;
export const FATE_CORRUPT = 6;
export const FATE_RULE = 7;
export const FATE_NAMES = ['sent', 'queue full', 'blocked', 'outage', 'burst', 'lost', 'corrupt', 'rule'];

export class Network {
  readonly options: NetworkOptions;
  /** Number of the mesh that it is. */
  readonly mesh: number;
  /** Datagrams by fate, index FATE_…. */
  readonly fates = new Float64Array(FATE_NAMES.length);
  duplicates = 0;
  /** Largest uplink queue seen, bytes. */
  queuePeak = 0;
  /** Scripted loss: true drops the datagram. */
  dropRule: ((from: number, to: number, bytes: Uint8Array) => boolean) | null = null;

  #count: number;
  #queue: EventQueue;
  #random: Prng;
  #oneWay: Int32Array;
  #pathLoss: Float64Array | null = null;
  #blocked: Uint8Array;
  #lastArrival: Int32Array;
  #uplinkFree: Float64Array;
  #uplinkRate: Float64Array;
  #bursts: OnOff;
  #outages: OnOff;
  #slots: Uint8Array[] = [];
  #lengths: number[] = [];
  #froms: number[] = [];
  #tos: number[] = [];
  #free: number[] = [];

  constructor(count: number, options: NetworkOptions, queue: EventQueue, random: Prng, mesh = 0) {
    this.options = options;
    this.mesh = mesh;
    this.#count = count;
    this.#queue = queue;
    this.#random = random.fork(1);
    this.#oneWay = new Int32Array(count * count).fill(-1);
    this.#blocked = new Uint8Array(count * count);
    this.#lastArrival = new Int32Array(count * count);
    this.#uplinkFree = new Float64Array(count);
    this.#uplinkRate = new Float64Array(count).fill(-1);
    this.#bursts = new OnOff(count * count, random.fork(2));
    this.#outages = new OnOff(count, random.fork(3));
  }

  setRtt(a: number, b: number, rttMs: number): void {
    this.#oneWay[a * this.#count + b] = Math.floor(rttMs / 2);
    this.#oneWay[b * this.#count + a] = Math.ceil(rttMs / 2);
  }

  /** Independent loss of one direction; < 0: back to options.loss. */
  setLoss(from: number, to: number, loss: number): void {
    this.#pathLoss ??= new Float64Array(this.#count * this.#count).fill(-1);
    this.#pathLoss[from * this.#count + to] = loss;
  }

  /** Rate of one node's uplink, bytes per ms; < 0: as in the options. */
  setUplink(node: number, bytesPerMs: number): void {
    this.#uplinkRate[node] = bytesPerMs;
  }

  /** Blocks or opens one direction. */
  setBlocked(from: number, to: number, blocked: boolean): void {
    this.#blocked[from * this.#count + to] = blocked ? 1 : 0;
  }

  /** Nodes with different labels cannot reach each other; `oneWay`: only the way from a lower to a higher label is cut. */
  partition(labels: readonly number[], oneWay = false): void {
    for (let from = 0; from < this.#count; from++) {
      for (let to = 0; to < this.#count; to++) {
        const cut = oneWay ? labels[from]! < labels[to]! : labels[from] !== labels[to];
        this.#blocked[from * this.#count + to] = cut ? 1 : 0;
      }
    }
  }

  heal(): void {
    this.#blocked.fill(0);
    this.#pathLoss?.fill(-1);
  }

  isBlocked(from: number, to: number): boolean {
    return this.#blocked[from * this.#count + to] === 1;
  }

  rtt(a: number, b: number): number {
    return this.oneWay(a, b) + this.oneWay(b, a);
  }

  oneWay(from: number, to: number): number {
    const set = this.#oneWay[from * this.#count + to]!;
    if (set >= 0) return set;
    const half = this.options.rttMs / 2;
    return from < to ? Math.floor(half) : Math.ceil(half);
  }

  /** Puts a datagram on its way. @returns its fate, FATE_SENT: it will arrive. */
  send(now: number, from: number, to: number, bytes: Uint8Array): number {
    const fate = this.#fate(now, from, to, bytes);
    this.fates[fate]!++;
    if (fate !== FATE_SENT) return fate;
    const departure = Math.max(now, this.#uplinkFree[from]!);
    this.#schedule(departure, from, to, bytes);
    if (this.#random.chance(this.options.duplicate)) {
      this.duplicates++;
      this.#schedule(departure, from, to, bytes);
    }
    return fate;
  }

  bytesOf(slot: number): Uint8Array {
    return this.#slots[slot]!.subarray(0, this.#lengths[slot]!);
  }

  lengthOf(slot: number): number {
    return this.#lengths[slot]!;
  }

  fromOf(slot: number): number {
    return this.#froms[slot]!;
  }

  toOf(slot: number): number {
    return this.#tos[slot]!;
  }

  /** Gives the slot back; its bytes are overwritten so that nobody lives off them. */
  release(slot: number): void {
    this.#slots[slot]!.fill(0xaa, 0, this.#lengths[slot]!);
    this.#free.push(slot);
  }

  #fate(now: number, from: number, to: number, bytes: Uint8Array): number {
    const options = this.options;
    const ownRate = this.#uplinkRate[from]!;
    const rate = ownRate >= 0 ? ownRate : options.uplinkBytesPerMs;
    if (rate > 0) {
      const size = bytes.length + options.overheadBytes;
      const start = Math.max(now, this.#uplinkFree[from]!);
      const waiting = (start - now) * rate + size;
      if (waiting > options.uplinkQueueBytes) return FATE_QUEUE;
      if (waiting > this.queuePeak) this.queuePeak = waiting;
      this.#uplinkFree[from] = start + size / rate;
    }
    const path = from * this.#count + to;
    if (this.#blocked[path] === 1) return FATE_BLOCKED;
    if (this.dropRule?.(from, to, bytes)) return FATE_RULE;
    if (this.#outages.isBad(from, now, options.outageShare, options.outageMs)) return FATE_OUTAGE;
    if (this.#bursts.isBad(path, now, options.burstShare, options.burstMs)) return FATE_BURST;
    const own = this.#pathLoss === null ? -1 : this.#pathLoss[path]!;
    if (this.#random.chance(own >= 0 ? own : options.loss)) return FATE_LOSS;
    if (this.#random.chance(options.corrupt)) return FATE_CORRUPT;
    return FATE_SENT;
  }

  #schedule(departure: number, from: number, to: number, bytes: Uint8Array): void {
    const options = this.options;
    const path = from * this.#count + to;
    let arrival = departure + this.oneWay(from, to);
    if (options.jitterMs > 0) arrival += this.#random.next() * options.jitterMs;
    let time = Math.round(arrival);
    if (this.#random.chance(options.reorder)) {
      time += Math.round(this.#random.next() * options.reorderMs);
    } else {
      if (time < this.#lastArrival[path]!) time = this.#lastArrival[path]!;
      this.#lastArrival[path] = time;
    }
    const slot = this.#free.length > 0 ? this.#free.pop()! : this.#newSlot();
    this.#slots[slot]!.set(bytes);
    this.#lengths[slot] = bytes.length;
    this.#froms[slot] = from;
    this.#tos[slot] = to;
    this.#queue.push(time, this.mesh === 0 ? EVENT_PACKET : EVENT_FURTHER_PACKET + this.mesh, slot);
  }

  #newSlot(): number {
    this.#slots.push(new Uint8Array(DATAGRAM_BYTES_MAX));
    return this.#slots.length - 1;
  }
}
