/**
 * One simulated machine: the shipping core, its clock, its socket buffer and its applications. It starts, crashes, freezes
 * and restarts the core, and passes on what the core says; it never calls back into the core from an output call.
 */
import type { Group } from '../../src/multicast/group.ts';
import { MeshNode } from '../../src/multicast/node.ts';
import type { GapReason, MemberState, NodeOutput, PeerState } from '../../src/multicast/node-output.ts';
import type { Network } from './network.ts';
import type { Simulation } from './simulation.ts';

export const EVENT_TIMER = 2;
export const EVENT_RESUME = 3;
export const MESH_PORT = 14627;
/** Timer calls in one millisecond after which the core is taken to spin. */
const SPINS_MAX = 1000;

/** Stands in for SHA-256, for group ids alone: 32 bytes that differ for different names. */
function stirred(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(32);
  let hash = 0x811c9dc5;
  for (let i = 0; i < digest.length; i++) {
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
    hash = Math.imul(hash ^ i, 0x01000193);
    digest[i] = hash >>> 24;
  }
  return digest;
}

export class NodeHost implements NodeOutput {
  readonly index: number;
  /** By mesh: whether it has its address there now. */
  readonly up: boolean[];
  node: MeshNode | null = null;
  /** Starts so far; 0: never started. */
  incarnation = 0;
  epoch = 0;
  /** What the node's own clock shows at time 0 of the simulation. */
  clockOffset = 0;
  groups: (Group | null)[];
  /** Whether the application is in the group: true from before the join call to before the leave call. */
  inGroup: boolean[];
  /** Rises with each join, leave and crash; what is owed to an earlier serial is void. */
  serials: number[];
  joinedAt: number[];
  /** Per group: the members the core has told us of -> epoch and when. The key is number + nodes * mesh. */
  known: Map<number, { epoch: number; at: number }>[];
  /** By number: when a node on two meshes was last seen to have two names in a group, or to change its name. */
  readonly renamedAt = new Map<number, number>();
  /**
   * Since it started: "node/epoch mesh>other" whose address on the one mesh has named its address on the other, and it has
   * acknowledged that; by "node mesh", what it would acknowledge next.
   */
  readonly named = new Set<string>();
  readonly told = new Map<string, string[]>();
  crashes = 0;
  /** When it last started, stopped, joined or left. */
  changedAt = 0;
  overflows = 0;

  #sim: Simulation;
  /** By mesh: the number that the core gave to our address, -1: none. */
  #locals: number[];
  #timerAt = Infinity;
  #pausedUntil = 0;
  #resumeAt = Infinity;
  #inbox: { network: Network; slot: number }[] = [];
  #inboxBytes = 0;
  #busyUs = 0;
  #spins = 0;
  #spinsAt = -1;

  constructor(sim: Simulation, index: number) {
    this.#sim = sim;
    this.index = index;
    this.up = sim.meshes.has.map((nodes) => nodes[index]!);
    this.#locals = this.up.map(() => -1);
    const count = sim.groups.length;
    this.groups = new Array<Group | null>(count).fill(null);
    this.inGroup = new Array<boolean>(count).fill(false);
    this.serials = new Array<number>(count).fill(1);
    this.joinedAt = new Array<number>(count).fill(0);
    this.known = sim.groups.map(() => new Map());
  }

  get running(): boolean {
    return this.node !== null;
  }

  get paused(): boolean {
    return this.#pausedUntil > this.#sim.now;
  }

  /** The node's own clock. */
  get clock(): number {
    return this.#sim.now + this.clockOffset;
  }

  start(epoch: number, clockOffset: number): void {
    this.incarnation++;
    this.changedAt = this.#sim.now;
    this.epoch = epoch;
    this.clockOffset = clockOffset;
    const random = this.#sim.random.fork(1000 + this.index);
    // Whose clock is about to wrap, his numbers are too.
    const firstSeq = clockOffset > 2 ** 31 ? 2 ** 32 - 1 - (clockOffset % 97) : 1;
    const options = { ...this.#sim.nodeOptions, epoch, port: MESH_PORT, sha256: stirred, firstSeq };
    this.node = new MeshNode(options, () => random.next(), this);
    this.up.forEach((up, mesh) => { if (up) this.#addLocal(mesh); });
    this.rearm();
  }

  #addLocal(mesh: number): void {
    const { meshes } = this.#sim;
    const accepts = (address: string): boolean => meshes.accepts(mesh, address);
    const address = meshes.addressOf(this.index, mesh);
    this.#call((node) => { this.#locals[mesh] = node.addLocal(this.clock, address, `sim${mesh}`, meshes.bound[mesh]!, accepts); });
  }

  /** Its address on a mesh is there (again); it learns of the others. */
  raise(mesh: number): void {
    if (this.up[mesh] || !this.#sim.meshes.has[mesh]![this.index]) return;
    this.up[mesh] = true;
    this.changedAt = this.#sim.now;
    this.#sim.log(this.index, `has an address on mesh ${mesh}`);
    if (this.node === null) return;
    this.#addLocal(mesh);
    this.offer(this.#sim.hosts);
  }

  /** Its address on a mesh is gone. */
  lower(mesh: number): void {
    if (!this.up[mesh]) return;
    this.up[mesh] = false;
    this.changedAt = this.#sim.now;
    this.#sim.log(this.index, `has no address on mesh ${mesh}`);
    const local = this.#locals[mesh]!;
    this.#locals[mesh] = -1;
    this.#call((node) => node.removeLocal(this.clock, local));
  }

  /** The process ends. @param goodbye it says so to its peers first. */
  stop(goodbye: boolean): void {
    const node = this.node;
    if (node === null) return;
    if (goodbye) this.#sim.guard(this, () => node.shutdown(this.clock));
    this.node = null;
    this.crashes++;
    this.named.clear();
    this.told.clear();
    this.changedAt = this.#sim.now;
    for (let group = 0; group < this.groups.length; group++) {
      this.groups[group] = null;
      this.inGroup[group] = false;
      this.serials[group]!++;
      this.known[group]!.clear();
    }
    for (const { network, slot } of this.#inbox) network.release(slot);
    this.#inbox = [];
    this.#locals.fill(-1);
    this.#inboxBytes = 0;
    this.#timerAt = Infinity;
    this.#pausedUntil = 0;
  }

  offer(others: readonly NodeHost[]): void {
    for (const [mesh, local] of this.#locals.entries()) {
      if (local < 0) continue;
      const candidates = others.filter((other) => other !== this && this.#sim.meshes.has[mesh]![other.index]).map((other) => ({
        address: this.#sim.addressOf(other.index, mesh), port: 0, hops: 0, advertised: true,
      }));
      this.#call((node) => node.onCandidates(this.clock, local, candidates));
    }
  }

  join(group: number): void {
    if (this.inGroup[group] || this.node === null) return;
    this.inGroup[group] = true;
    const spec = this.#sim.groups[group]!;
    this.serials[group]!++;
    this.joinedAt[group] = this.changedAt = this.#sim.now;
    this.#sim.log(this.index, `joins ${spec.name}`);
    this.#call((node) => { this.groups[group] = node.join(this.clock, spec.name, spec.options) ?? null; });
  }

  /** Whether we hold the node of this address for a member in its present membership: it may have left and come anew since. */
  knowsLife(address: string, group: number, other: NodeHost): boolean {
    const joined = other.groups[group];
    const theirs = joined && this.node?.broadcast.peers.find(address)?.subscriptions.get(joined.key);
    return theirs?.life === joined?.life;
  }

  leave(group: number): void {
    const joined = this.groups[group];
    if (joined === null || joined === undefined) return;
    this.serials[group]!++;
    this.changedAt = this.#sim.now;
    this.groups[group] = null;
    this.inGroup[group] = false;
    this.known[group]!.clear();
    this.#sim.log(this.index, `leaves ${joined.name}`);
    this.#call((node) => node.leave(this.clock, joined));
  }

  /** Stops handling anything for so long (SIGSTOP, a starved CPU); the socket buffer fills meanwhile. */
  pause(forMs: number): void {
    if (forMs > 1) this.#sim.log(this.index, `is stopped for ${forMs} ms`);
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#sim.now + forMs);
  }

  /** Ends a pause. */
  wake(): void {
    if (!this.paused) return;
    this.#pausedUntil = this.#sim.now;
    this.#sim.queue.push(this.#sim.now, EVENT_RESUME, this.index);
  }

  /** A datagram has arrived in this slot of the network. */
  receive(slot: number, network: Network): void {
    const sim = this.#sim;
    if (this.node === null || this.#locals[network.mesh]! < 0) return network.release(slot);
    if (this.#starved()) {
      const length = network.lengthOf(slot);
      if (this.#inboxBytes + length > sim.network.options.receiveBufferBytes) {
        this.overflows++;
        return network.release(slot);
      }
      this.#inbox.push({ network, slot });
      this.#inboxBytes += length;
      return this.#planResume();
    }
    this.#handle(slot, network);
  }

  onTimer(): void {
    this.#timerAt = Infinity;
    if (this.node === null) return;
    if (this.#starved()) return this.#planResume();
    if (this.node.deadline > this.clock) return this.rearm();
    this.#tick();
  }

  onResume(): void {
    this.#resumeAt = Infinity;
    if (this.node === null) return;
    while (this.#inbox.length > 0) {
      if (this.#starved()) return this.#planResume();
      const { network, slot } = this.#inbox.shift()!;
      this.#inboxBytes -= network.lengthOf(slot);
      this.#handle(slot, network);
    }
    if (this.node !== null && this.node.deadline <= this.clock) this.#tick();
    this.rearm();
  }

  /** Sets the alarm to the core's deadline; to be called after every call into the core. */
  rearm(): void {
    if (this.node === null) return;
    const deadline = this.node.deadline;
    if (deadline !== deadline) this.#sim.violate('runtime', `node ${this.index}: the deadline is not a number`);
    if (deadline === Infinity) return;
    const time = Math.max(this.#sim.now, Math.ceil(deadline - this.clockOffset));
    if (time >= this.#timerAt) return;
    this.#timerAt = time;
    this.#sim.queue.push(time, EVENT_TIMER, this.index);
  }

  #handle(slot: number, network: Network): void {
    const sim = this.#sim;
    const { mesh } = network;
    const local = this.#locals[mesh]!;
    if (local < 0) return network.release(slot);
    const from = network.fromOf(slot);
    const bytes = network.bytesOf(slot);
    sim.observer.onArrival(this, from, mesh, bytes);
    this.#busyUs += sim.network.options.handleUs;
    this.#call((node) => node.onDatagram(this.clock, local, sim.addressOf(from, mesh), MESH_PORT, bytes));
    network.release(slot);
  }

  /** Bytes from outside the network, under any source address. */
  inject(address: string, bytes: Uint8Array): void {
    const local = this.#locals.find((one) => one >= 0) ?? -1;
    this.#call((node) => node.onDatagram(this.clock, local, address, MESH_PORT, bytes));
  }

  #tick(): void {
    if (this.#spinsAt !== this.#sim.now) {
      this.#spinsAt = this.#sim.now;
      this.#spins = 0;
    }
    if (++this.#spins > SPINS_MAX) {
      this.#sim.violate('runtime', `node ${this.index}: onTimeout does not move the deadline`);
      this.node = null;
      return;
    }
    this.#busyUs += this.#sim.network.options.handleUs;
    this.#call((node) => node.onTimeout(this.clock));
  }

  #call(what: (node: MeshNode) => void): void {
    const node = this.node;
    if (node === null) return;
    this.#sim.guard(this, () => what(node));
    this.rearm();
  }

  #starved(): boolean {
    const sim = this.#sim;
    const { stallShare, stallMs } = sim.network.options;
    if (this.#busyUs >= 1000) {
      this.pause(Math.floor(this.#busyUs / 1000));
      this.#busyUs %= 1000;
    }
    if (sim.stalls.isBad(this.index, sim.now, stallShare, stallMs)) {
      this.#pausedUntil = Math.max(this.#pausedUntil, Math.ceil(sim.stalls.until(this.index)));
    }
    return this.#pausedUntil > sim.now;
  }

  #planResume(): void {
    if (this.#resumeAt <= this.#pausedUntil) return;
    this.#resumeAt = this.#pausedUntil;
    this.#sim.queue.push(this.#pausedUntil, EVENT_RESUME, this.index);
  }

  #indexOf(group: Group): number {
    const index = this.#sim.groupIndex(group.name);
    return index >= 0 && this.inGroup[index] ? index : -1;
  }

  send(local: number, address: string, port: number, bytes: Uint8Array): void {
    this.#sim.observer.onSend(this, this.#locals.indexOf(local), address, port, bytes);
  }

  peer(id: string, state: PeerState): void {
    this.#sim.observer.onPeer(this, id, state);
  }

  message(group: Group, source: string, epoch: number, seq: number, data: Uint8Array, addressed: boolean): void {
    this.#sim.observer.onMessage(this, this.#indexOf(group), source, epoch, seq, data, addressed);
  }

  datagram(group: Group, source: string, data: Uint8Array): void {
    this.#sim.observer.onDatagram(this, this.#indexOf(group), source, data);
  }

  gap(
    group: Group, source: string, epoch: number, from: number, to: number, reason: GapReason, addressed: boolean,
  ): void {
    this.#sim.observer.onGap(this, this.#indexOf(group), source, epoch, from, to, reason, addressed);
  }

  member(group: Group, id: string, state: MemberState, epoch: number): void {
    this.#sim.observer.onMember(this, this.#indexOf(group), id, state, epoch);
  }

  room(group: Group): void {
    this.#sim.observer.onRoom(this, this.#indexOf(group));
  }
}

