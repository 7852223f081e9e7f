/**
 * A mesh of simulated nodes under one virtual clock. Deterministic: everything follows from the options and the seed.
 * It drives the hosts, tells the checkers and metrics what happens, and collects violations instead of throwing.
 */
import type { GroupOptions, NodeOptions } from '../../src/multicast/options.ts';
import type { MemberState } from '../../src/multicast/node-output.ts';
import { Census } from './census.ts';
import { Checkers } from './checkers/all.ts';
import { argumentOf, EventQueue, kindOf } from './event-queue.ts';
import { type Delivery, type GapReport, Ledger } from './ledger.ts';
import { type MeshSpec, Meshes } from './meshes.ts';
import { Metrics } from './metrics.ts';
import { type NetworkOptions, networkOptions } from './network-options.ts';
import { EVENT_FURTHER_PACKET, EVENT_PACKET, Network } from './network.ts';
import { EVENT_RESUME, EVENT_TIMER, NodeHost } from './node-host.ts';
import { Observer } from './observer.ts';
import { OnOff } from './on-off.ts';
import { Prng } from './prng.ts';
import { Trace } from './trace.ts';
import { Message, Truth } from './truth.ts';

export const EVENT_ACTION = 4;
export const EVENT_SAMPLE = 5;
export const SAMPLE_MS = 100;
const VIOLATIONS_MAX = 20;
const STACK_LINES = 5;
const EPOCH_BASE = 1_700_000_000;

export interface GroupSpec {
  name: string;
  options: GroupOptions;
}

export interface SimulationOptions {
  seed: number;
  nodes: number;
  network?: Partial<NetworkOptions>;
  /** Meshes beside the first, and who is on which; default: all on all. */
  further?: readonly MeshSpec[];
  isOn?: (node: number, mesh: number) => boolean;
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
  /** The first mesh, in most simulations the only one. */
  readonly network: Network;
  readonly meshes: Meshes;
  readonly stalls: OnOff;
  readonly hosts: NodeHost[] = [];
  readonly groups: GroupSpec[];
  readonly nodeOptions: Partial<NodeOptions>;
  readonly truth: Truth;
  readonly ledger: Ledger;
  readonly census = new Census();
  readonly metrics = new Metrics();
  readonly trace = new Trace();
  readonly observer: Observer;
  readonly checkers: Checkers;
  readonly violations: Violation[] = [];
  violationCount = 0;
  /** See beginMeasuring(). */
  measuring = false;
  /** By "group index": told when a group at a host has room again. */
  roomListener: ((host: NodeHost, group: number) => void) | null = null;
  /** Told of every membership change, beside the checkers. */
  memberListener: ((host: NodeHost, group: number, member: number, state: MemberState) => void) | null = null;
  /** Told of every delivery, after the checkers. */
  deliveryListener: ((delivery: Delivery) => void) | null = null;
  /** Told of every datagram that a node takes in. */
  arrivalListener: ((from: number, to: number) => void) | null = null;
  gapListener: ((report: GapReport) => void) | null = null;
  noRouteCount = 0;
  /** Addresses outside the simulated network, and who hears what is sent there (see Attacker). */
  readonly strangers = new Map<string, (from: number, bytes: Uint8Array) => void>();
  readonly #heardAt: Float64Array;
  datagramsDelivered = 0;
  /** > 0: DATA that leaves when it can no longer arrive so many ms after its publication is counted in sentTooLate. */
  sendDeadline = 0;
  sentTooLate = 0;

  #byName = new Map<string, number>();
  #requestsBefore = 0;
  #actions: (() => void)[] = [];
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
    this.meshes = new Meshes(
      options.nodes, this.network, options.further ?? [], options.isOn ?? (() => true), this.queue, this.random,
    );
    this.#heardAt = new Float64Array(options.nodes * options.nodes * this.meshes.count).fill(-1);
    if (options.listener) this.trace.listener = options.listener;
    for (let index = 0; index < options.nodes; index++) this.hosts.push(new NodeHost(this, index));
    this.observer = new Observer(this);
    this.checkers = new Checkers(this);
    this.queue.push(SAMPLE_MS, EVENT_SAMPLE, 0);
  }

  addressOf(index: number, mesh = 0): string {
    return this.meshes.addressOf(index, mesh);
  }

  /** What `host` calls node `index` as a member of the group. */
  memberId(host: NodeHost, group: number, index: number): string {
    const names = host.groups[group]?.members().filter(({ id }) => this.indexOf(id) === index) ?? [];
    return (names.find(({ epoch }) => epoch === this.hosts[index]!.epoch) ?? names[0])?.id ?? this.addressOf(index);
  }

  /** Node `to` has got a datagram of node `from`. */
  noteHeard(to: number, from: number, mesh: number): void {
    this.#heardAt[(to * this.hosts.length + from) * this.meshes.count + mesh] = this.now;
  }

  /**
   * When it last got one, by any way of the member that is called by its address on mesh `name`: those that have named each
   * other to it (wire/README.md 6.1). -1: never.
   */
  lastHeard(to: number, from: number, name: number): number {
    const { named } = this.hosts[to]!;
    const key = `${from}/${this.hosts[from]!.epoch}`;
    let last = -1;
    for (let mesh = 0; mesh < this.meshes.count; mesh++) {
      const isOne = this.meshes.isWayOf(mesh, name) && named.has(`${key} ${mesh}>${name}`) && named.has(`${key} ${name}>${mesh}`);
      if (mesh !== name && !isOne) continue;
      last = Math.max(last, this.#heardAt[(to * this.hosts.length + from) * this.meshes.count + mesh]!);
    }
    return last;
  }

  /** Whether they can reach each other by some mesh. */
  canMeet(a: number, b: number): boolean {
    return this.meshes.networks.some((network, mesh) => this.hosts[a]!.up[mesh] && this.hosts[b]!.up[mesh] &&
      !network.isBlocked(a, b) && !network.isBlocked(b, a));
  }

  groupIndex(name: string): number {
    return this.#byName.get(name) ?? -1;
  }

  indexOf(address: string): number {
    return this.meshes.nodeOf(address);
  }

  /** Starts a node with the clock of a new machine, in all given groups, knowing all the others' addresses. */
  boot(index: number, groups?: readonly number[], epoch?: number): void {
    this.bootKnowing(index, this.hosts.map((host) => host.index), groups, epoch);
  }

  /** The same, knowing only these others. */
  bootKnowing(index: number, others: readonly number[], groups?: readonly number[], epoch?: number): void {
    const host = this.hosts[index]!;
    const offset = this.random.chance(0.5) ? this.random.below(1_000_000) : 4294967296 - this.random.below(120_000);
    host.start(epoch ?? Math.max(EPOCH_BASE + Math.floor(this.now / 1000), host.epoch + 1), offset);
    this.log(index, `starts, epoch ${host.epoch}`);
    host.offer(others.map((other) => this.hosts[other]!));
    for (const group of groups ?? this.groups.map((_, number) => number)) host.join(group);
  }

  bootAll(groups?: readonly number[]): void {
    for (let index = 0; index < this.hosts.length; index++) this.boot(index, groups);
  }

  /** From here on datagrams count, and messages published count in the metrics. */
  beginMeasuring(): void {
    this.measuring = true;
    this.#requestsBefore = this.counter('requestsSent');
  }

  endMeasuring(): void {
    if (this.measuring) this.metrics.requests += this.counter('requestsSent') - this.#requestsBefore;
    this.measuring = false;
  }

  /** A counter of the core, over all running nodes. */
  counter(name: string): number {
    let sum = 0;
    for (const host of this.hosts) sum += host.node?.counters[name] ?? 0;
    return sum;
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
      case EVENT_PACKET: return this.hosts[this.network.toOf(argument)]!.receive(argument, this.network);
      case EVENT_TIMER: return this.hosts[argument]!.onTimer();
      case EVENT_RESUME: return this.hosts[argument]!.onResume();
      case EVENT_ACTION: return this.#actions[argument]!();
      case EVENT_SAMPLE:
        for (const checker of this.checkers.all) checker.sampled?.(this.now);
        this.queue.push(this.now + SAMPLE_MS, EVENT_SAMPLE, 0);
        return;
      default: {
        const network = this.meshes.networks[kind - EVENT_FURTHER_PACKET]!;
        this.hosts[network.toOf(argument)]!.receive(argument, network);
      }
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
    this.#owe(host, message);
    let seq = -98;
    this.guard(host, () => {
      seq = to < 0 ? joined.publish(host.clock, data) : joined.publishTo(host.clock, this.memberId(host, group, to), data);
    });
    data.fill(0x55);
    host.rearm();
    // What the core sent during the call has told the sequence number already (see Census).
    if (seq < 0) this.truth.withdraw(message);
    else if (message.packet < 0) this.truth.commit(message, seq);
    if (this.truth.reused > 0) {
      this.violate('1 at most once', `node ${from} uses ${this.truth.reused} sequence numbers from ${seq} on a second time`);
      this.truth.reused = 0;
    }
    if (seq > 0 && message.seq !== seq) this.violate('runtime', `publish at ${from} returned ${seq}, sent ${message.seq}`);
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
    for (const [key, entry] of host.known[message.group]!) {
      const index = key % this.hosts.length;
      if (message.to >= 0 && index !== message.to) continue;
      const receiver = this.hosts[index]!;
      if (host.known[message.group]!.has(index) && key !== index) host.renamedAt.set(index, this.now);
      if (receiver.groups[message.group] === null || receiver.epoch !== entry.epoch) continue;
      const address = this.meshes.addressOf(index, Math.floor(key / this.hosts.length));
      if (host.knowsLife(address, message.group, receiver)) message.owed[index] = receiver.serials[message.group]!;
    }
  }

  /** Calls into a core; whatever it throws is a violation. */
  guard(host: NodeHost, call: () => void): void {
    try {
      call();
    } catch (error) {
      const stack = error instanceof Error ? `${error.message} ${(error.stack ?? '').split('\n').slice(0, STACK_LINES).join(' ')}`
        : String(error);
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
}
