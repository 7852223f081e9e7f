/**
 * Binds the pure protocol core to a runtime: datagrams, time and meshes in, datagrams and events out. One socket for each of
 * our addresses, one timer that follows the core's deadline. Programs reach the core through `groups`.
 */
import type { Candidate, MeshSource, MeshStatus } from '../broadcast/mesh-source.ts';
import type { Log } from '../runtime/log.ts';
import type { Runtime, Timer } from '../runtime/runtime.ts';
import type { CoreNode, CreateNode } from './core.ts';
import { EVENTS_MAX, EventQueue } from './event-queue.ts';
import type { GroupsHost } from './groups.ts';
import { Groups } from './groups.ts';
import type { MeshSocketOwner } from './mesh-socket.ts';
import { MeshSocket } from './mesh-socket.ts';

/** Own addresses of one mesh; those beyond are not used. */
export const OWN_ADDRESSES_MAX = 8;

/** Time for the goodbyes to leave the sockets. */
const GOODBYE_MS = 50;
const DRAIN_MS_MAX = 2000;

export interface DaemonOptions {
  port: number;
  epoch: number;
}

export interface DaemonCounters {
  /** Datagrams from an address that cannot be on the mesh they came by. */
  rxForeignCount: number;
  rxCount: number;
  txCount: number;
}

export class Daemon implements GroupsHost, MeshSocketOwner {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly node: CoreNode;
  readonly events: EventQueue;
  readonly groups: Groups;
  readonly epoch: number;
  readonly port: number;
  readonly startedAt: number;
  readonly counters: DaemonCounters = { rxForeignCount: 0, rxCount: 0, txCount: 0 };
  /** Peers of the run before: candidates on every mesh that takes their address. */
  remembered: readonly Candidate[] = [];
  readonly meshes: MeshSource[] = [];
  /** In the order the meshes were given. */
  readonly sockets: MeshSocket[] = [];
  readonly #candidates = new Map<MeshSource, readonly Candidate[]>();
  readonly #byLocal = new Map<number, MeshSocket>();
  readonly #timer: Timer;
  #stopping = false;
  #stopped = false;

  constructor(runtime: Runtime, log: Log, options: DaemonOptions, createNode: CreateNode) {
    this.runtime = runtime;
    this.log = log;
    this.epoch = options.epoch;
    this.port = options.port;
    this.startedAt = runtime.now();
    this.groups = new Groups(this);
    const events = new EventQueue((task) => runtime.later(task));
    this.events = events;
    const { delivery } = this.groups;
    this.node = createNode(() => runtime.random(), {
      send: (local, address, port, bytes) => this.#send(local, address, port, bytes),
      peer: events.queued((id, state) => delivery.peer(id, state)),
      message: events.queued((group, source, epoch, seq, data, to) => delivery.message(group, source, epoch, seq, data, to)),
      datagram: events.queued((...datagram) => delivery.datagram(...datagram)),
      gap: events.queued((...gap) => delivery.gap(...gap)),
      member: events.queued((...member) => delivery.member(...member)),
      room: events.queued((group) => delivery.room(group)),
    });
    this.#timer = runtime.timer(() => this.#onTimer());
  }

  /** Uses a mesh from now on. */
  addMesh(mesh: MeshSource): void {
    this.meshes.push(mesh);
    mesh.start({
      onOwnAddresses: (addresses) => this.#onOwnAddresses(mesh, addresses),
      onCandidates: (candidates) => this.#onCandidates(mesh, candidates),
    });
  }

  /** Stops using a mesh: its addresses go, its peers with them. */
  removeMesh(mesh: MeshSource): void {
    mesh.stop();
    this.#onOwnAddresses(mesh, []);
    const index = this.meshes.indexOf(mesh);
    if (index >= 0) this.meshes.splice(index, 1);
    this.#candidates.delete(mesh);
  }

  /**
   * Waits until what was published has been delivered, but not for long; then says goodbye to all peers. Resolves when the
   * sockets have had the time to send it and are closed.
   */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const mesh of this.meshes) mesh.stop();
    for (let waited = 0; waited < DRAIN_MS_MAX && !this.node.drained; waited += GOODBYE_MS) await this.#pause(GOODBYE_MS);
    this.node.shutdown(this.runtime.now());
    this.#stopped = true;
    this.#timer.cancel();
    await this.#pause(GOODBYE_MS);
    for (const socket of this.sockets.splice(0)) socket.close();
  }

  now(): number {
    return this.runtime.now();
  }
  wallMs(): number {
    return this.runtime.wallMs();
  }

  settle(): void {
    const { deadline } = this.node;
    if (this.#stopped || deadline === this.#timer.deadlineMs) return;
    if (deadline === Infinity) this.#timer.cancel();
    else this.#timer.set(deadline);
  }

  /** First the one by which others call us when they can reach all (broadcast/twins.ts). */
  self(): string[] {
    const opened = this.sockets.filter((socket) => socket.opened);
    const rank = ({ mesh, address }: MeshSocket): string => `${mesh.authenticated ? 1 : 0} ${address}`;
    return opened.sort((a, b) => (rank(a) < rank(b) ? 1 : -1)).map((socket) => socket.address);
  }

  meshStatus(): MeshStatus[] {
    return this.meshes.map((mesh) => mesh.status());
  }

  // A mesh socket tells:

  opened(socket: MeshSocket): void {
    if (this.#stopped) return;
    const { mesh } = socket;
    const now = this.runtime.now();
    const accepts = (address: string): boolean => mesh.accepts(address);
    socket.local = this.node.addLocal(now, socket.address, mesh.name, mesh.authenticated, accepts, socket.port);
    this.#byLocal.set(socket.local, socket);
    this.node.onCandidates(now, socket.local, this.remembered);
    this.node.onCandidates(now, socket.local, this.#candidates.get(mesh) ?? []);
    this.settle();
    this.groups.selfChanged();
  }

  received(socket: MeshSocket, bytes: Uint8Array, address: string, port: number): void {
    if (this.#stopped) return;
    this.counters.rxCount++;
    if (!socket.mesh.accepts(address)) {
      this.counters.rxForeignCount++;
      return;
    }
    if (this.events.size >= EVENTS_MAX) this.events.dispatch();
    this.node.onDatagram(this.runtime.now(), socket.local, address, port, bytes);
    this.settle();
  }

  closed(socket: MeshSocket): void {
    this.#byLocal.delete(socket.local);
    if (this.#stopped) return;
    this.node.removeLocal(this.runtime.now(), socket.local);
    socket.local = -1;
    this.settle();
    this.groups.selfChanged();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.runtime.timer(resolve).set(this.runtime.now() + ms));
  }

  #onTimer(): void {
    if (this.events.size >= EVENTS_MAX) this.events.dispatch();
    this.node.onTimeout(this.runtime.now());
    this.settle();
  }

  #send(local: number, address: string, port: number, bytes: Uint8Array): void {
    this.counters.txCount++;
    this.#byLocal.get(local)?.send(bytes, address, port);
  }

  #onOwnAddresses(mesh: MeshSource, addresses: string[]): void {
    if (this.#stopping) return;
    const wanted = addresses.slice(0, OWN_ADDRESSES_MAX);
    for (const socket of this.sockets.filter((one) => one.mesh === mesh && !wanted.includes(one.address))) {
      this.sockets.splice(this.sockets.indexOf(socket), 1);
      socket.close();
      this.log.info(`${mesh.name}: the address ${socket.address} has gone`);
    }
    for (const address of wanted) {
      if (this.sockets.some((socket) => socket.address === address)) continue;
      const socket = new MeshSocket(this.runtime, this.log, mesh, address, this.port, this);
      this.sockets.push(socket);
      void socket.open();
    }
    this.sockets.sort((a, b) => this.meshes.indexOf(a.mesh) - this.meshes.indexOf(b.mesh));
  }

  #onCandidates(mesh: MeshSource, candidates: readonly Candidate[]): void {
    if (this.#stopped) return;
    this.#candidates.set(mesh, candidates);
    const now = this.runtime.now();
    for (const socket of this.sockets) {
      if (socket.mesh === mesh && socket.local >= 0) this.node.onCandidates(now, socket.local, candidates);
    }
    this.settle();
  }
}
