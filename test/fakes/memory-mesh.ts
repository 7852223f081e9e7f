/**
 * The client library over a mesh that exists in memory: several nodes in one process, with latency, loss (as late delivery),
 * partitions, crashes and restarts. It keeps the contract of client.ts: per-source order within a group, once each, gaps told,
 * member events, callbacks on turns of their own, publish() waiting for room.
 */
import { ClientError } from '../../src/client/client.ts';
import type {
  Client, Gap, Group, GroupHandler, GroupSummary, Member, MemberState, Message, Peer, Published, PublishOptions,
} from '../../src/client/client.ts';

export interface Scheduler {
  now(): number;
  /** Runs `task` at `atMs`, or as soon as possible after. */
  at(atMs: number, task: () => void): void;
}

export interface MeshFaults {
  latencyMs: number;
  /** Share of messages that come late by a repair, and of datagrams that never come. */
  loss: number;
  retainMs: number;
  staleMs: number;
  goneMs: number;
  /** Messages to one member that may be under way before publish() waits. */
  windowCount: number;
}

export const CALM: MeshFaults = { latencyMs: 2, loss: 0, retainMs: 120_000, staleMs: 35_000, goneMs: 90_000, windowCount: 200 };

interface Queued {
  seq: number;
  epoch: number;
  data: Uint8Array;
  sentMs: number;
  addressed: boolean;
}

/** What one node knows of another node's membership of a group, and what is under way to it. */
interface Peering {
  epoch: number;
  state: 'fresh' | 'stale';
  lanes: Record<'all' | 'one', Queued[]>;
  pumping: Record<'all' | 'one', boolean>;
}

export class MemoryMesh {
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly faults: MeshFaults;
  readonly nodes = new Map<string, MemoryClient>();
  #sides = new Map<string, number>();

  constructor(scheduler: Scheduler, random: () => number, faults: Partial<MeshFaults> = {}) {
    this.scheduler = scheduler;
    this.random = random;
    this.faults = { ...CALM, ...faults };
  }

  /** Starts a node; the address of one that crashed or stopped is a restart. */
  node(address: string): MemoryClient {
    const before = this.nodes.get(address);
    const node = new MemoryClient(this, address, (before?.epoch ?? 1000) + 1);
    this.nodes.set(address, node);
    for (const other of this.nodes.values()) if (other !== node) other.onPeerStarted(node);
    return node;
  }

  reachable(a: MemoryClient, b: MemoryClient): boolean {
    return a.up && b.up && this.sameSide(a, b);
  }
  sameSide(a: MemoryClient, b: MemoryClient): boolean {
    return (this.#sides.get(a.address) ?? 0) === (this.#sides.get(b.address) ?? 0);
  }

  /** Splits the mesh; nodes that are not named are on side 0. */
  partition(...sides: string[][]): void {
    this.#sides = new Map(sides.flatMap((addresses, i) => addresses.map((address) => [address, i + 1] as const)));
    this.#watch();
  }
  heal(): void {
    this.#sides = new Map();
    for (const a of this.nodes.values()) for (const b of this.nodes.values()) if (a !== b) a.onPeerBack(b);
  }
  /** Silence starts now for whoever can not be reached: stale and gone follow. */
  #watch(): void {
    for (const a of this.nodes.values()) for (const b of this.nodes.values()) if (a !== b) a.watchSilence(b);
  }
  crashed(): void {
    this.#watch();
  }
}

export class MemoryClient implements Client {
  onSelf?: (addresses: string[]) => void;
  readonly address: string;
  readonly epoch: number;
  readonly mesh: MemoryMesh;
  readonly joined = new Map<string, MemoryGroup>();
  up = true;

  constructor(mesh: MemoryMesh, address: string, epoch: number) {
    this.mesh = mesh;
    this.address = address;
    this.epoch = epoch;
  }

  self(): Promise<string[]> {
    return Promise.resolve([this.address]);
  }
  join(name: string, handler: GroupHandler): Promise<Group> {
    const { scheduler, faults } = this.mesh;
    const group = new MemoryGroup(this, name, handler);
    this.joined.set(name, group);
    for (const other of this.mesh.nodes.values()) {
      const theirs = other.joined.get(name);
      if (other === this || theirs === undefined) continue;
      scheduler.at(scheduler.now() + this.delay(), () => theirs.learn(this));
      scheduler.at(scheduler.now() + this.delay(), () => group.learn(other));
    }
    return new Promise((resolve) => scheduler.at(scheduler.now() + faults.latencyMs / 2, () => resolve(group)));
  }
  peers(): Promise<Peer[]> {
    return Promise.resolve([]);
  }
  groups(): Promise<GroupSummary[]> {
    return Promise.resolve([...this.joined.keys()].map((name) => ({ name, memberCount: 1, joined: true })));
  }
  /** Orderly end: others see "left". */
  close(): void {
    for (const group of [...this.joined.values()]) void group.leave();
    this.up = false;
  }
  /** kill -9. */
  crash(): void {
    this.up = false;
    for (const group of this.joined.values()) group.dead = true;
    this.mesh.crashed();
  }

  delay(): number {
    const { latencyMs, loss } = this.mesh.faults;
    const late = this.mesh.random() < loss ? 50 + this.mesh.random() * 400 : 0;
    return latencyMs * (0.5 + this.mesh.random()) + late;
  }

  watchSilence(other: MemoryClient): void {
    const { scheduler, faults } = this.mesh;
    if (this.mesh.reachable(this, other)) return;
    const since = scheduler.now();
    const check = (afterMs: number, state: 'stale' | 'gone'): void => {
      scheduler.at(since + afterMs, () => {
        if (!this.up || this.mesh.reachable(this, other)) return;
        for (const group of this.joined.values()) group.silent(other, state);
      });
    };
    check(faults.staleMs, 'stale');
    check(faults.goneMs, 'gone');
  }

  onPeerBack(other: MemoryClient): void {
    if (!this.mesh.reachable(this, other)) return;
    const { scheduler } = this.mesh;
    scheduler.at(scheduler.now() + this.delay(), () => {
      if (!this.mesh.reachable(this, other)) return;
      for (const group of this.joined.values()) {
        if (other.joined.get(group.name) === undefined) group.forget(other.address, 'left');
        else group.learn(other);
      }
    });
  }

  /** A new incarnation of a known address: memberships that it does not take up again end. */
  onPeerStarted(other: MemoryClient): void {
    const { scheduler } = this.mesh;
    scheduler.at(scheduler.now() + 2000, () => {
      if (!this.mesh.reachable(this, other)) return;
      for (const group of this.joined.values()) {
        if (other.joined.get(group.name) === undefined) group.forget(other.address, 'left');
      }
    });
  }
}

class MemoryGroup implements Group {
  readonly name: string;
  readonly client: MemoryClient;
  readonly handler: GroupHandler;
  dead = false;
  readonly #peers = new Map<string, Peering>();
  #seq = 0;
  #seqOne = new Map<string, number>();
  #waiting: (() => void)[] = [];

  constructor(client: MemoryClient, name: string, handler: GroupHandler) {
    this.client = client;
    this.name = name;
    this.handler = handler;
  }

  // --- membership -------------------------------------------------------------------------------------------------

  learn(other: MemoryClient): void {
    const { mesh, address } = this.client;
    const current = mesh.nodes.get(other.address);
    if (this.dead || current !== other || !mesh.reachable(this.client, other) || other.joined.get(this.name) === undefined) return;
    if (address === other.address) return;
    const known = this.#peers.get(other.address);
    if (known !== undefined && known.epoch === other.epoch) {
      if (known.state === 'stale') {
        known.state = 'fresh';
        this.#event(other, 'back');
      }
      this.#pump(other.address, 'all');
      this.#pump(other.address, 'one');
      return;
    }
    this.#peers.set(other.address, {
      epoch: other.epoch, state: 'fresh', lanes: { all: [], one: [] }, pumping: { all: false, one: false },
    });
    this.#event(other, known === undefined ? 'joined' : 'restarted');
  }

  silent(other: MemoryClient, state: 'stale' | 'gone'): void {
    const known = this.#peers.get(other.address);
    if (known === undefined || this.dead || known.epoch !== other.epoch) return;
    if (state === 'gone') this.forget(other.address, 'gone');
    else if (known.state !== 'stale') {
      known.state = 'stale';
      this.#event(other, 'stale');
    }
  }

  forget(address: string, state: 'left' | 'gone'): void {
    const known = this.#peers.get(address);
    if (known === undefined || !this.#peers.delete(address)) return;
    this.#wake();
    if (!this.dead) this.#turn(() => this.handler.onMember?.({ address, state, epoch: known.epoch }));
  }

  #event(other: MemoryClient, state: MemberState): void {
    this.#turn(() => this.handler.onMember?.({ address: other.address, state, epoch: other.epoch }));
  }
  #turn(task: () => void): void {
    const { scheduler } = this.client.mesh;
    scheduler.at(scheduler.now(), () => {
      if (!this.dead) task();
    });
  }

  members(): Promise<Member[]> {
    const self = { address: this.client.address, epoch: this.client.epoch, self: true, stale: false, rttMs: 0 };
    const others = [...this.#peers].map(([address, { epoch, state }]) => ({
      address, epoch, self: false, stale: state === 'stale', rttMs: 4,
    }));
    return Promise.resolve([self, ...others]);
  }

  // --- sending ----------------------------------------------------------------------------------------------------

  async publish(data: Uint8Array | string, options: PublishOptions = {}): Promise<Published> {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
    if (this.dead) throw new ClientError('INVALID_ARGUMENT', 'left');
    if (bytes.length > 65536) throw new ClientError('INVALID_ARGUMENT', 'too long');
    const { scheduler } = this.client.mesh;
    const { epoch } = this.client;
    const to = options.to;
    if (to !== undefined) {
      if (!this.#peers.has(to)) throw new ClientError('NOT_FOUND', `${to} is no member`);
      const seq = (this.#seqOne.get(to) ?? 0) + 1;
      this.#seqOne.set(to, seq);
      this.#push(to, 'one', { seq, epoch, data: bytes, sentMs: scheduler.now(), addressed: true });
      return { seq, epoch, room: 1 };
    }
    const seq = ++this.#seq;
    for (const address of this.#peers.keys()) {
      this.#push(address, 'all', { seq, epoch, data: bytes, sentMs: scheduler.now(), addressed: false });
    }
    const full = (): boolean => [...this.#peers].some(
      ([address, peer]) => peer.lanes.all.length > this.client.mesh.faults.windowCount && this.#reaches(address),
    );
    while (full() && !this.dead) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return { seq, epoch, room: 1 };
  }

  #reaches(address: string): boolean {
    const other = this.client.mesh.nodes.get(address);
    return other !== undefined && this.client.mesh.reachable(this.client, other);
  }
  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #push(address: string, lane: 'all' | 'one', queued: Queued): void {
    (this.#peers.get(address) as Peering).lanes[lane].push(queued);
    this.#pump(address, lane);
  }

  /** Delivers the head of the lane after its delay, then the next: order is kept, whatever is late. */
  #pump(address: string, lane: 'all' | 'one'): void {
    const peer = this.#peers.get(address);
    if (peer === undefined || peer.pumping[lane] || peer.lanes[lane].length === 0) return;
    const { mesh } = this.client;
    peer.pumping[lane] = true;
    mesh.scheduler.at(mesh.scheduler.now() + this.client.delay(), () => {
      peer.pumping[lane] = false;
      const other = mesh.nodes.get(address);
      if (this.dead || this.#peers.get(address) !== peer || other?.epoch !== peer.epoch || !mesh.reachable(this.client, other)) return;
      this.#deliver(other, peer.lanes[lane]);
      this.#wake();
      this.#pump(address, lane);
    });
  }

  /** Everything that is due goes at once, as a burst would. */
  #deliver(other: MemoryClient, queue: Queued[]): void {
    const group = other.joined.get(this.name);
    const now = this.client.mesh.scheduler.now();
    const source = this.client.address;
    let gap: Gap | undefined;
    for (const { seq, epoch, data, sentMs, addressed } of queue.splice(0, 20)) {
      if (group === undefined) continue;
      if (now - sentMs > this.client.mesh.faults.retainMs) {
        if (gap === undefined) gap = { source, epoch, from: seq, to: seq, reason: 'evicted' };
        gap.to = seq;
        continue;
      }
      if (gap !== undefined) group.takeGap(gap);
      gap = undefined;
      group.take({ source, epoch, seq, data, addressed });
    }
    if (gap !== undefined) group?.takeGap(gap);
  }

  take(message: Message): void {
    if (!this.dead) this.handler.onMessage?.(message);
  }
  takeGap(gap: Gap): void {
    if (!this.dead) this.handler.onGap?.(gap);
  }

  datagram(data: Uint8Array | string, options: { to?: string } = {}): Promise<void> {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
    if (bytes.length > 1100) return Promise.reject(new ClientError('INVALID_ARGUMENT', 'too long'));
    const { mesh } = this.client;
    for (const address of options.to === undefined ? this.#peers.keys() : [options.to]) {
      if (mesh.random() < mesh.faults.loss) continue;
      mesh.scheduler.at(mesh.scheduler.now() + mesh.faults.latencyMs, () => {
        const other = mesh.nodes.get(address);
        const group = other?.joined.get(this.name);
        if (other === undefined || group === undefined || group.dead || !mesh.reachable(this.client, other)) return;
        group.handler.onDatagram?.({ source: this.client.address, data: bytes });
      });
    }
    return Promise.resolve();
  }

  history(): Promise<Message[]> {
    return Promise.resolve([]);
  }
  [Symbol.asyncIterator](): AsyncIterator<Message> {
    throw new Error('the handler gets the messages');
  }
  leave(): Promise<void> {
    this.dead = true;
    this.#wake();
    const { mesh, address } = this.client;
    if (this.client.joined.get(this.name) === this) this.client.joined.delete(this.name);
    for (const other of mesh.nodes.values()) {
      if (other === this.client) continue;
      mesh.scheduler.at(mesh.scheduler.now() + this.client.delay(), () => {
        if (this.client.joined.has(this.name) || !other.up || !mesh.sameSide(other, this.client)) return;
        other.joined.get(this.name)?.forget(address, 'left');
      });
    }
    return Promise.resolve();
  }
}
