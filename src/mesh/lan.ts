/**
 * Finds meshchat nodes on the link of one interface: each tells its address and port to an IPv6 multicast group.
 * Nothing binds these addresses to keys: the mesh is unauthenticated, anyone on the link can send anything. One address
 * of the interface is ours: a unique local or global IPv6 one, else IPv4.
 *
 * Beacon, UDP port 14628, group ff02::6d65:7368, big-endian; bytes behind it are ignored:
 *   offset  size  field
 *        0     4  "MCL1"
 *        4     2  port of the mesh protocol, > 0
 *        6     2  reserved, 0
 *        8    16  address (IPv4 as a mapped one)
 */
import type { Candidate, MeshListener, MeshSource, MeshStatus } from '../broadcast/mesh-source.ts';
import { makeRoom } from '../encoding/tables.ts';
import type { Log } from '../runtime/log.ts';
import type { DatagramSocket, Runtime, Timer } from '../runtime/runtime.ts';
import { formatAddress, parseAddress } from '../wire/address.ts';
import { addressRange, isIpv4 } from './address-range.ts';
import { interfaceAddresses, sameList } from './interfaces.ts';

export interface LanOptions {
  /** Name of the mesh in status; default 'lan'. */
  name?: string;
  /** "br-lan". */
  interfaceName: string;
  /** Our port of the mesh protocol. */
  port: number;
}

export const LAN_GROUP = 'ff02::6d65:7368';
export const LAN_PORT = 14628;
const BEACON_LENGTH = 24;
const MAGIC = 0x4d434c31;
/** Nodes remembered, to know new ones and to count; the one not heard for longest is forgotten. */
export const LAN_NODES_MAX = 256;
const WATCH_MS = 1000;
const BEACON_MS = 30_000;
/** The first beacons come quickly: one may be lost, or reach nobody yet. */
const BEACONS_FIRST = 3;
/** A new node is answered, so that it need not wait for our next beacon; but not more often than this. */
const ANSWER_MS = 2000;

export class LanMesh implements MeshSource {
  readonly name: string;
  readonly authenticated = false;
  /** Datagrams that were no beacon, or came from beyond the link. */
  rxMalformedCount = 0;
  readonly #runtime: Runtime;
  readonly #options: LanOptions;
  readonly #log: Log;
  readonly #timer: Timer;
  readonly #nodes = new Map<string, number>();
  #listener: MeshListener | undefined;
  #socket: DatagramSocket | undefined;
  #opening = false;
  #own: string[] = [];
  #beaconAt = 0;
  #beaconCount = 0;
  #sentAt = -Infinity;
  #problem: MeshStatus['problem'];

  constructor(runtime: Runtime, options: LanOptions, log: Log) {
    this.name = options.name ?? 'lan';
    this.#runtime = runtime;
    this.#options = options;
    this.#log = log;
    this.#timer = runtime.timer(() => this.#watch());
  }

  accepts(address: string): boolean {
    const own = this.#own[0];
    return own !== undefined && addressRange(address) === 'other' && isIpv4(address) === isIpv4(own);
  }

  start(listener: MeshListener): void {
    this.#listener = listener;
    this.#timer.set(this.#runtime.now());
  }

  stop(): void {
    this.#listener = undefined;
    this.#timer.cancel();
    this.#close();
  }

  refresh(): void {
    this.#beaconCount = 0;
    this.#beaconAt = 0;
  }

  status(): MeshStatus {
    const { name } = this;
    const own = [...this.#own];
    const candidateCount = this.#nodes.size;
    const status: MeshStatus = { name, up: own.length > 0, own, candidateCount, authenticated: false, version: '' };
    if (this.#problem !== undefined) status.problem = this.#problem;
    return status;
  }

  #watch(): void {
    const now = this.#runtime.now();
    this.#timer.set(now + WATCH_MS);
    const own = this.#currentOwn();
    if (!sameList(own, this.#own)) {
      this.#own = own;
      this.#close(); // the group is joined anew on what may be another device of the same name
      this.refresh();
      this.#listener?.onOwnAddresses([...own]);
    }
    if (own.length === 0) {
      const remedy = 'set option interface of the mesh section to one that "ip address" shows';
      this.#problem = { text: `interface ${this.#options.interfaceName} has no address`, remedy };
      return;
    }
    if (this.#socket === undefined) void this.#open();
    else if (now >= this.#beaconAt) this.#sendBeacon(now);
  }

  /** Our address stays the same while the interface has it. */
  #currentOwn(): string[] {
    const usable = interfaceAddresses(this.#runtime)
      .filter((entry) => entry.interfaceName === this.#options.interfaceName && addressRange(entry.address) === 'other')
      .map((entry) => entry.address);
    const kept = usable.find((address) => address === this.#own[0]);
    const chosen = kept ?? usable.find((address) => /^fd/.test(address)) ?? usable.find((address) => !isIpv4(address));
    return [chosen ?? usable[0] ?? []].flat();
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    try {
      const socket = await this.#runtime.openDatagram({
        address: '::',
        port: LAN_PORT,
        onDatagram: (bytes, address) => this.#onDatagram(bytes, address),
        onClose: () => { this.#socket = undefined; },
      });
      const joined = this.#listener !== undefined && socket.joinMulticast(LAN_GROUP, this.#options.interfaceName);
      if (joined) {
        this.#socket = socket;
        this.#problem = undefined;
        this.#sendBeacon(this.#runtime.now());
      } else {
        socket.close();
        const remedy = 'run it on Node.js or txiki.js 26.6, without MESHCHAT_INTERNAL_SOCKETS=0, or use a static mesh';
        this.#setProblem(`no IPv6 multicast on ${this.#options.interfaceName} with this runtime`, remedy);
      }
    } catch (error) {
      this.#setProblem(`UDP port ${LAN_PORT} cannot be opened: ${String(error)}`, 'see who has it: ss -lunp');
    }
    this.#opening = false;
  }

  #setProblem(text: string, remedy: string): void {
    if (this.#problem?.text !== text) this.#log.warn(`${this.name}: ${text}`);
    this.#problem = { text, remedy };
  }

  #close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #sendBeacon(now: number): void {
    const address = parseAddress(this.#own[0] ?? '');
    if (address === undefined || this.#socket === undefined) return;
    this.#beaconCount++;
    this.#beaconAt = now + (this.#beaconCount < BEACONS_FIRST ? 1 : BEACON_MS);
    this.#sentAt = now;
    const bytes = new Uint8Array(BEACON_LENGTH);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC);
    view.setUint16(4, this.#options.port);
    bytes.set(address, 8);
    this.#socket.send(bytes, LAN_GROUP, LAN_PORT);
  }

  #onDatagram(bytes: Uint8Array, from: string): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const valid = bytes.length >= BEACON_LENGTH && view.getUint32(0) === MAGIC && view.getUint16(4) > 0;
    if (!valid || addressRange(from) !== 'link-local') {
      this.rxMalformedCount++;
      return;
    }
    const address = formatAddress(bytes, 8);
    if (!this.accepts(address) || this.#own.includes(address)) return;
    const isNew = !this.#nodes.delete(address);
    const now = this.#runtime.now();
    makeRoom(this.#nodes, LAN_NODES_MAX);
    this.#nodes.set(address, now);
    const candidate: Candidate = { address, port: view.getUint16(4), hops: 1, advertised: true };
    this.#listener?.onCandidates([candidate]);
    if (isNew && now - this.#sentAt >= ANSWER_MS) this.#beaconAt = now;
  }
}
