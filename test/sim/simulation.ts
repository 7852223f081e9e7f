/**
 * A mesh of simulated nodes under one virtual clock. Deterministic: everything follows from the options and the seed.
 * It drives the hosts, tells the checkers and metrics what happens, and collects violations instead of throwing.
 */
import type { GroupOptions } from '../../src/multicast/group.ts';
import type { NodeOptions } from '../../src/multicast/node.ts';
import type { GapReason, MemberState, PeerState } from '../../src/multicast/node-output.ts';
import { Census, FRAME_NAMES } from './census.ts';
import { Checkers } from './checkers/all.ts';
import { argumentOf, EventQueue, kindOf } from './event-queue.ts';
import { type Delivery, type GapReport, Ledger } from './ledger.ts';
import { Metrics } from './metrics.ts';
import { type NetworkOptions, networkOptions } from './network-options.ts';
import { EVENT_PACKET, FATE_NAMES, FATE_SENT, Network } from './network.ts';
import { EVENT_RESUME, EVENT_TIMER, MESH_PORT, NodeHost } from './node-host.ts';
import { OnOff } from './on-off.ts';
import { Prng } from './prng.ts';
import { Trace } from './trace.ts';
import {
  COPY_ARRIVED, COPY_FIRST_LOST, COPY_REPAIRED, COPY_SENT, FATE_DELIVERED, FATE_GAP, FATE_NONE, Message, Truth,
} from './truth.ts';

export const EVENT_ACTION = 4;
export const EVENT_SAMPLE = 5;
export const SAMPLE_MS = 100;
const VIOLATIONS_MAX = 20;
const EPOCH_BASE = 1_700_000_000;

export interface GroupSpec {
  name: string;
  options: GroupOptions;
}

export interface SimulationOptions {
  seed: number;
  nodes: number;
  network?: Partial<NetworkOptions>;
  groups?: GroupSpec[];
  nodeOptions?: Partial<NodeOptions>;
  /** Ask the trace for lines. */
  listener?: (line: string) => void;
}

export interface Violation {
  time: number;
  invariant: string;
  text: string;
}

export class Simulation {
  now = 0;
  readonly queue = new EventQueue();
  readonly random: Prng;
  readonly network: Network;
  readonly stalls: OnOff;
  readonly hosts: NodeHost[] = [];
  readonly groups: GroupSpec[];
  readonly nodeOptions: Partial<NodeOptions>;
  readonly truth: Truth;
  readonly ledger: Ledger;
  readonly census = new Census();
  readonly metrics = new Metrics();
  readonly trace = new Trace();
  readonly checkers: Checkers;
  readonly violations: Violation[] = [];
  violationCount = 0;
  /** While true datagrams count, and messages published count in the metrics. */
  measuring = false;
  /** By "group index": told when a group at a host has room again. */
  roomListener: ((host: NodeHost, group: number) => void) | null = null;
  /** Told of every membership change, beside the checkers. */
  memberListener: ((host: NodeHost, group: number, member: number, state: MemberState) => void) | null = null;
  /** Told of every delivery, after the checkers. */
  deliveryListener: ((delivery: Delivery) => void) | null = null;
  gapListener: ((report: GapReport) => void) | null = null;
  noRouteCount = 0;
  /** When node `to` last got a datagram of node `from`: [to * nodes + from], -1: never. */
  readonly heardAt: Float64Array;
  datagramsDelivered = 0;

  #byAddress = new Map<string, number>();
  #byName = new Map<string, number>();
  #actions: (() => void)[] = [];
  #delivery: Delivery | null = null;
  #stopped = false;

  constructor(options: SimulationOptions) {
    this.random = new Prng(options.seed);
    this.groups = options.groups ?? [{ name: 'chat', options: {} }];
    for (const [index, group] of this.groups.entries()) this.#byName.set(group.name, index);
    this.nodeOptions = options.nodeOptions ?? {};
    this.network = new Network(options.nodes, networkOptions(options.network), this.queue, this.random.fork(7));
    this.stalls = new OnOff(options.nodes, this.random.fork(8));
    this.truth = new Truth(options.nodes);
    this.ledger = new Ledger(options.nodes);
    this.heardAt = new Float64Array(options.nodes * options.nodes).fill(-1);
    if (options.listener) this.trace.listener = options.listener;
    for (let index = 0; index < options.nodes; index++) {
      const address = `fc00::${(index + 1).toString(16)}`;
      this.#byAddress.set(address, index);
      this.hosts.push(new NodeHost(this, index, address));
    }
    this.checkers = new Checkers(this);
    this.queue.push(SAMPLE_MS, EVENT_SAMPLE, 0);
  }

  addressOf(index: number): string {
    return this.hosts[index]!.address;
  }

  groupIndex(name: string): number {
    return this.#byName.get(name) ?? -1;
  }

  indexOf(address: string): number {
    return this.#byAddress.get(address) ?? -1;
  }

  /** Starts a node with the clock of a new machine, in all given groups, knowing all the others' addresses. */
  boot(index: number, groups: readonly number[] = this.groups.map((_, group) => group), epoch?: number): void {
    const host = this.hosts[index]!;
    const offset = this.random.chance(0.5) ? this.random.below(1_000_000) : 4294967296 - this.random.below(120_000);
    host.start(epoch ?? Math.max(EPOCH_BASE + Math.floor(this.now / 1000), host.epoch + 1), offset);
    this.log(index, `starts, epoch ${host.epoch}`);
    host.offer(this.hosts);
    for (const group of groups) host.join(group);
  }

  bootAll(groups?: readonly number[]): void {
    for (let index = 0; index < this.hosts.length; index++) this.boot(index, groups);
  }

  at(time: number, action: () => void): void {
    this.#actions.push(action);
    this.queue.push(Math.max(this.now, Math.round(time)), EVENT_ACTION, this.#actions.length - 1);
  }

  /** Runs until this virtual time; nothing after it has happened then. */
  run(until: number): void {
    while (!this.#stopped && this.queue.nextTime <= until) {
      this.now = this.queue.nextTime;
      const event = this.queue.pop();
      this.#dispatch(kindOf(event), argumentOf(event));
    }
    this.now = Math.max(this.now, until);
  }

  /** Runs until the condition holds, looking every `stepMs`. @returns whether it came true by then. */
  runUntil(condition: () => boolean, until: number, stepMs = SAMPLE_MS): boolean {
    while (!condition()) {
      if (this.now >= until || this.#stopped) return false;
      this.run(Math.min(until, this.now + stepMs));
    }
    return true;
  }

  finish(): void {
    for (const checker of this.checkers.all) checker.finished?.(this.now);
  }

  #dispatch(kind: number, argument: number): void {
    switch (kind) {
      case EVENT_PACKET: return this.hosts[this.network.toOf(argument)]!.receive(argument);
      case EVENT_TIMER: return this.hosts[argument]!.onTimer();
      case EVENT_RESUME: return this.hosts[argument]!.onResume();
      case EVENT_ACTION: return this.#actions[argument]!();
      default:
        for (const checker of this.checkers.all) checker.sampled?.(this.now);
        this.queue.push(this.now + SAMPLE_MS, EVENT_SAMPLE, 0);
    }
  }

  /**
   * An application at `from` publishes `length` bytes to the group, or to one member.
   * @returns the core's answer: a sequence number, or a refusal (negative)
   */
  publish(from: number, group: number, length: number, to = -1): number {
    const host = this.hosts[from]!;
    const joined = host.groups[group];
    if (host.node === null || joined === null || joined === undefined) return -99;
    const data = this.truth.payload(length);
    const message = new Message(this.hosts.length);
    message.source = from;
    message.incarnation = host.incarnation;
    message.epoch = host.epoch;
    message.group = group;
    message.to = to;
    message.time = this.now;
    message.length = data.length;
    message.measured = this.measuring;
    message.serial = host.serials[group]!;
    this.truth.announce(message);
    // The core may send at once: the packet numbers must be known by then, so the sequence number is foretold.
    const stream = this.truth.find(from, host.incarnation, group, to);
    const foretold = stream === undefined ? 1 : (stream.base + stream.packets.length) >>> 0;
    this.truth.commit(message, foretold);
    this.#owe(host, message);
    let seq = -98;
    this.guard(host, () => {
      seq = to < 0 ? joined.publish(host.clock, data) : joined.publishTo(host.clock, this.addressOf(to), data);
    });
    data.fill(0x55);
    host.rearm();
    if (seq < 0) this.truth.withdraw(message);
    else if (seq !== foretold) this.violate('runtime', `publish at node ${from} returned seq ${seq}, not ${foretold}`);
    this.trace.mix(this.now, 20, from, seq);
    this.log(from, `publishes ${length} B to ${this.groups[group]!.name}${to < 0 ? '' : ` for ${to}`}: seq ${seq}`);
    return seq;
  }

  /** Sends a message of the unreliable class; nothing is owed for it. */
  sendDatagram(from: number, group: number, length: number): number {
    const host = this.hosts[from]!;
    const joined = host.groups[group];
    if (host.node === null || joined === null || joined === undefined) return -99;
    const data = this.truth.payload(length);
    const message = new Message(this.hosts.length);
    message.source = from;
    message.group = group;
    message.length = data.length;
    message.measured = false;
    message.span = 0;
    this.truth.announce(message);
    let answer = 0;
    this.guard(host, () => { answer = joined.datagram(host.clock, data); });
    host.rearm();
    this.log(from, `sends a datagram of ${length} B: ${answer}`);
    return answer;
  }

  #owe(host: NodeHost, message: Message): void {
    for (const [index, entry] of host.known[message.group]!) {
      if (message.to >= 0 && index !== message.to) continue;
      const receiver = this.hosts[index]!;
      if (receiver.groups[message.group] === null || receiver.epoch !== entry.epoch) continue;
      const joinedAt = receiver.joinedAt[message.group]!;
      if (entry.at >= joinedAt || this.now - joinedAt > 60_000) message.owed[index] = receiver.serials[message.group]!;
    }
  }

  /** Calls into a core; whatever it throws is a violation. */
  guard(host: NodeHost, call: () => void): void {
    try {
      call();
    } catch (error) {
      const stack = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error);
      this.violate('runtime', `node ${host.index} threw: ${stack}`);
      this.#stopped = this.violationCount > VIOLATIONS_MAX;
    }
  }

  violate(invariant: string, text: string): void {
    this.violationCount++;
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ time: this.now, invariant, text });
    this.trace.line(this.now, `!! ${invariant}: ${text}`);
  }

  log(index: number, text: string): void {
    if (this.trace.listener !== null) this.trace.line(this.now, `${String(index).padStart(3)} ${text}`);
  }

  onSend(host: NodeHost, address: string, port: number, bytes: Uint8Array): void {
    if (bytes.length > 1200) this.violate('runtime', `node ${host.index} sent ${bytes.length} bytes`);
    const to = port === MESH_PORT ? this.indexOf(address) : -1;
    this.trace.mix(this.now, 1, host.index, to);
    this.trace.mixBytes(bytes);
    if (to < 0) {
      this.noRouteCount++;
      return;
    }
    const fate = this.network.send(this.now, host.index, to, bytes);
    this.#count(host, to, bytes, fate);
    if (this.trace.listener !== null) {
      this.log(host.index, `-> ${to} ${this.census.describe()} (${bytes.length} B)${fate ? ` ** ${FATE_NAMES[fate]}` : ''}`);
    }
  }

  #count(host: NodeHost, to: number, bytes: Uint8Array, fate: number): void {
    const census = this.census;
    const metrics = this.metrics;
    census.scan(this.truth, host.index, host.incarnation, to, bytes);
    if (!census.wellFormed) this.violate('runtime', `node ${host.index} sent a malformed datagram: ${census.describe()}`);
    if (this.measuring) {
      metrics.datagrams++;
      metrics.bytes += bytes.length;
      if (census.dataCount === 0) metrics.controlDatagrams++;
    }
    for (let i = 0; i < census.frameCount; i++) {
      const type = census.types[i]!;
      if (this.measuring) {
        metrics.frames[type]!++;
        if (FRAME_NAMES[type] === 'STATUS' && census.details[i]! > 0) metrics.requests += census.details[i]!;
      }
      if (FRAME_NAMES[type] === 'DATA' && census.details[i]! >= 0) this.#countData(host, to, census.details[i]!, fate);
    }
  }

  #countData(host: NodeHost, to: number, packet: number, fate: number): void {
    const copies = this.truth.packetCopies[packet]!;
    const again = (copies[to]! & COPY_SENT) !== 0;
    const measured = this.truth.messages[this.truth.packetMessage[packet]!]!.measured;
    for (const checker of this.checkers.all) checker.dataSent?.(host, to, packet, again);
    this.truth.packetSentAt[packet]![to] = this.now;
    if (measured) this.metrics.dataSends++;
    if (again) {
      copies[to]! |= COPY_REPAIRED;
      if (measured) this.metrics.repairs++;
      return;
    }
    copies[to]! |= COPY_SENT;
    if (fate === FATE_SENT) return;
    copies[to]! |= COPY_FIRST_LOST;
    if (measured) this.metrics.lostCopies++;
  }

  onArrival(host: NodeHost, from: number, bytes: Uint8Array): void {
    const census = this.census;
    const truth = this.truth;
    this.trace.mix(this.now, 2, from, host.index);
    this.heardAt[host.index * this.hosts.length + from] = this.now;
    census.scan(truth, from, this.hosts[from]!.incarnation, host.index, bytes);
    if (this.trace.listener !== null) this.log(host.index, `<- ${from} ${census.describe()}`);
    for (let i = 0; i < census.frameCount; i++) {
      const packet = census.details[i]!;
      if (FRAME_NAMES[census.types[i]!] !== 'DATA' || packet < 0) continue;
      const copies = truth.packetCopies[packet]!;
      if (copies[host.index]! & COPY_ARRIVED) continue;
      copies[host.index]! |= COPY_ARRIVED;
      const message = truth.messages[truth.packetMessage[packet]!]!;
      if (!(copies[host.index]! & COPY_FIRST_LOST) || !message.measured) continue;
      const delay = this.now - message.time - this.network.oneWay(from, host.index);
      this.metrics.recovery.push(delay / Math.max(1, this.network.rtt(from, host.index)));
    }
  }

  onMessage(
    host: NodeHost, group: number, sourceId: string, epoch: number, seq: number, data: Uint8Array, addressed: boolean,
  ): void {
    const source = this.indexOf(sourceId);
    const id = this.truth.identify(data);
    this.trace.mix(this.now, 10, host.index, id);
    this.log(host.index, `delivers ${sourceId}/${epoch}/${seq}${addressed ? ' (addressed)' : ''}: message ${id}`);
    const message = id < 0 ? undefined : this.truth.messages[id];
    if (group < 0) return this.violate('3 payload', `node ${host.index} delivers to a group it is not in`);
    if (message === undefined) return this.violate('3 payload', `node ${host.index}: ${sourceId} seq ${seq}: bytes nobody sent`);
    const to = addressed ? host.index : -1;
    if (message.source !== source || message.epoch !== epoch || message.seq !== seq || message.group !== group ||
        message.to !== to) {
      return this.violate('3 payload', `node ${host.index}: ${sourceId}/${epoch}/${seq} group ${group} to ${to} is really ` +
        `${message.source}/${message.epoch}/${message.seq} group ${message.group} to ${message.to}`);
    }
    const serial = host.serials[group]!;
    const delivery = this.#delivery ??= { now: 0, stream: null as never, message, data };
    delivery.now = this.now;
    delivery.stream = this.ledger.stream(host.index, serial, group, source, epoch, addressed);
    delivery.message = message;
    delivery.data = data;
    for (const checker of this.checkers.all) checker.delivered?.(delivery);
    delivery.stream.deliveredCount++;
    message.settledSerial[host.index] = serial;
    message.settled[host.index] = FATE_DELIVERED;
    this.metrics.lastDeliveryAt = this.now;
    if (message.measured) {
      this.metrics.deliveredCopies += message.span;
      this.metrics.latency.push(this.now - message.time);
    }
    this.deliveryListener?.(delivery);
  }

  onGap(
    host: NodeHost, group: number, sourceId: string, epoch: number, from: number, to: number, reason: GapReason,
    addressed: boolean,
  ): void {
    this.trace.mix(this.now, 11, host.index, from);
    this.log(host.index, `gap ${sourceId}/${epoch}/${from}..${to}${addressed ? ' (addressed)' : ''}: ${reason}`);
    if (group < 0) return this.violate('2 tiling', `node ${host.index}: a gap in a group it is not in`);
    const source = this.indexOf(sourceId);
    if (source < 0) return this.violate('3 payload', `node ${host.index}: a gap of ${sourceId}, which is no node`);
    const serial = host.serials[group]!;
    const stream = this.ledger.stream(host.index, serial, group, source, epoch, addressed);
    const published = this.truth.streams.find((one) => one.source === source && one.epoch === epoch &&
      one.group === group && one.to === (addressed ? host.index : -1));
    const report: GapReport = { now: this.now, stream, from, to, reason, published };
    for (const checker of this.checkers.all) checker.gapped?.(report);
    stream.gapCount++;
    this.gapListener?.(report);
    if (published === undefined) return;
    for (let count = (to - from) >>> 0, i = 0; i <= count; i++) {
      const message = this.truth.at(published, (from + i) >>> 0);
      if (message === undefined) return;
      if (message.measured) this.metrics.gapCopies++;
      if (message.settledSerial[host.index] === serial && message.settled[host.index] !== FATE_NONE) continue;
      message.settledSerial[host.index] = serial;
      message.settled[host.index] = FATE_GAP;
    }
  }

  onDatagram(host: NodeHost, group: number, sourceId: string, data: Uint8Array): void {
    const id = this.truth.identify(data);
    this.trace.mix(this.now, 12, host.index, id);
    this.datagramsDelivered++;
    this.log(host.index, `datagram from ${sourceId}: message ${id}`);
    if (id < 0 || group < 0) this.violate('3 payload', `node ${host.index}: a datagram nobody sent`);
  }

  onPeer(host: NodeHost, id: string, state: PeerState): void {
    this.trace.mix(this.now, 13, host.index, this.indexOf(id));
    this.log(host.index, `peer ${id} ${state}`);
  }

  onMember(host: NodeHost, group: number, id: string, state: MemberState, epoch: number): void {
    const index = this.indexOf(id);
    this.trace.mix(this.now, 14, host.index, index);
    this.log(host.index, `member ${id} ${state}, epoch ${epoch}, of ${this.groups[group]?.name}`);
    if (group < 0) return;
    if (index < 0) return this.violate('3 payload', `node ${host.index}: member ${id} is no node`);
    const known = host.known[group]!;
    if (state === 'left' || state === 'gone') known.delete(index);
    else if (state === 'joined' || state === 'restarted') known.set(index, { epoch, at: this.now });
    this.memberListener?.(host, group, index, state);
  }

  onRoom(host: NodeHost, group: number): void {
    this.trace.mix(this.now, 15, host.index, group);
    if (group >= 0) this.roomListener?.(host, group);
  }
}
