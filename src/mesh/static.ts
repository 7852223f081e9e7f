/**
 * The mesh that is written down: our addresses and the peers' as configured. Nothing binds such an address to a key,
 * so the whole mesh is unauthenticated, and addresses of the key-bound ranges are believed only where one of our own
 * is of the same range. With nothing configured it is the loopback mesh: several daemons of one machine, each on the
 * first free of 127.0.0.1, 127.0.0.2, …, looking for each other in that small range.
 */
import {
  type Candidate, CONFIGURED, type MeshListener, type MeshSource, type MeshStatus,
} from '../broadcast/mesh-source.ts';
import type { Log } from '../runtime/log.ts';
import type { Runtime, Timer } from '../runtime/runtime.ts';
import { parseAddress, parseEndpoint } from '../wire/address.ts';
import { addressRange, isIpv4 } from './address-range.ts';
import { interfaceAddresses, sameList } from './interfaces.ts';

export interface StaticOptions {
  /** Name of the mesh in status; default 'static'. */
  name?: string;
  /**
   * Our own addresses, or names of interfaces whose addresses (link-local ones excepted) are ours. Empty: those of
   * our interfaces that are nearest to the peers; without peers, loopback.
   */
  addresses: readonly string[];
  /** Address, "v4:port" or "[v6]:port". */
  peers: readonly string[];
  /** The mesh's UDP port: what tells which loopback address is free. */
  port: number;
}

/** Peers beyond these are left out, and status says so. */
export const STATIC_PEERS_MAX = 1024;
/** The loopback mesh is 127.0.0.1 … 127.0.0.16. */
const LOOPBACK_RANGE = Array.from({ length: 16 }, (_, index) => `127.0.0.${index + 1}`);
/** How often the interfaces are looked at: an address that comes back is used within this time. */
const WATCH_MS = 2000;
/** How often the peers are told again. */
const REPEAT_MS = 60_000;

export class StaticMesh implements MeshSource {
  readonly name: string;
  readonly authenticated = false;
  readonly #runtime: Runtime;
  readonly #options: StaticOptions;
  readonly #log: Log;
  readonly #timer: Timer;
  readonly #peers: { address: string; port: number }[] = [];
  readonly #badPeers: string[] = [];
  /** Nothing configured names another machine. */
  readonly #loopback: boolean;
  #leftOutCount = 0;
  #listener: MeshListener | undefined;
  #own: string[] = [];
  /** Our loopback address, once a free one is found. */
  #loopbackOwn = '';
  #missing: string[] = [];
  #toldAt = -Infinity;

  constructor(runtime: Runtime, options: StaticOptions, log: Log) {
    this.name = options.name ?? 'static';
    this.#runtime = runtime;
    this.#options = options;
    this.#log = log;
    this.#timer = runtime.timer(() => this.#watch());
    for (const text of options.peers) this.#addPeer(text);
    const peersAreLoopback = this.#peers.every((peer) => addressRange(peer.address) === 'loopback');
    this.#loopback = options.addresses.length === 0 && peersAreLoopback;
    const own = options.addresses.map((text) => parseEndpoint(text)?.address ?? '');
    const ownLoopback = own.length > 0 && own.every((address) => addressRange(address) === 'loopback');
    if (this.#peers.length === 0 && this.#badPeers.length === 0 && (this.#loopback || ownLoopback)) {
      for (const address of LOOPBACK_RANGE) this.#peers.push({ address, port: 0 });
    }
  }

  accepts(address: string): boolean {
    const range = addressRange(address);
    if (range === 'unusable' || range === 'yggdrasil-subnet') return false;
    const keyBound = range === 'cjdns' || range === 'yggdrasil' || range === 'loopback';
    for (const own of this.#own) {
      const ownRange = addressRange(own);
      if (isIpv4(own) !== isIpv4(address)) continue;
      const ownKeyBound = ownRange === 'cjdns' || ownRange === 'yggdrasil' || ownRange === 'loopback';
      if (keyBound ? ownRange === range : !ownKeyBound) return true;
    }
    return false;
  }

  start(listener: MeshListener): void {
    this.#listener = listener;
    if (this.#loopback) void this.#findFreeLoopback();
    else this.#timer.set(this.#runtime.now());
  }

  stop(): void {
    this.#listener = undefined;
    this.#timer.cancel();
  }

  refresh(): void {
    if (this.#listener === undefined || (this.#loopback && this.#loopbackOwn === '')) return;
    this.#toldAt = -Infinity;
    this.#timer.set(this.#runtime.now());
  }

  status(): MeshStatus {
    const status: MeshStatus = {
      name: this.name,
      up: this.#own.length > 0,
      own: [...this.#own],
      candidateCount: this.#candidates().length,
      authenticated: false,
      version: '',
    };
    const problem = this.#problem();
    if (problem !== undefined) status.problem = problem;
    return status;
  }

  #problem(): MeshStatus['problem'] {
    const bad = this.#badPeers[0];
    if (bad !== undefined) {
      const remedy = 'write list peer as ADDRESS, V4:PORT or [V6]:PORT';
      return { text: `peer "${bad}" is not a numeric address`, remedy };
    }
    if (this.#missing.length > 0) {
      return {
        text: `${this.#missing.join(', ')} is on no interface of this machine`,
        remedy: 'set option address to an address or interface that "ip address" shows, or bring the interface up',
      };
    }
    if (this.#own.length === 0 && this.#listener !== undefined) {
      return { text: 'no address of our own yet', remedy: 'set option address of the static mesh' };
    }
    if (this.#leftOutCount > 0) {
      return { text: `${this.#leftOutCount} peers are left out`, remedy: `list at most ${STATIC_PEERS_MAX} peers` };
    }
    return undefined;
  }

  #addPeer(text: string): void {
    const peer = parseEndpoint(text);
    if (peer === undefined) this.#badPeers.push(text.slice(0, 64));
    else if (this.#peers.length < STATIC_PEERS_MAX) this.#peers.push(peer);
    else this.#leftOutCount++;
  }

  /** Two daemons that start at once may choose the same one: the later bind fails and is tried again by its owner. */
  async #findFreeLoopback(): Promise<void> {
    for (const address of LOOPBACK_RANGE) {
      try {
        const { port } = this.#options;
        const socket = await this.#runtime.openDatagram({ address, port, onDatagram: () => undefined });
        socket.close();
        this.#loopbackOwn = address;
        break;
      } catch (error) {
        this.#log.debug(`${this.name}: ${address} is taken: ${String(error)}`);
      }
    }
    if (this.#listener !== undefined) this.#timer.set(this.#runtime.now());
  }

  #watch(): void {
    const now = this.#runtime.now();
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#timer.set(now + WATCH_MS);
    const own = this.#currentOwn();
    if (!sameList(own, this.#own)) {
      this.#own = own;
      this.#toldAt = -Infinity;
      listener.onOwnAddresses([...own]);
    }
    if (now - this.#toldAt < REPEAT_MS || own.length === 0) return;
    this.#toldAt = now;
    listener.onCandidates(this.#candidates());
  }

  #currentOwn(): string[] {
    if (this.#loopback) return this.#loopbackOwn === '' ? [] : [this.#loopbackOwn];
    const present = interfaceAddresses(this.#runtime);
    const own = new Set<string>();
    this.#missing = [];
    if (this.#options.addresses.length === 0) for (const peer of this.#peers) addNearest(own, peer.address, present);
    for (const text of this.#options.addresses) {
      const address = parseEndpoint(text)?.address;
      const named = present.filter((entry) => (address === undefined
        ? entry.interfaceName === text && addressRange(entry.address) !== 'link-local' : entry.address === address));
      for (const entry of named) own.add(entry.address);
      if (named.length > 0) continue;
      // 127.0.0.2 and its like can be bound though no interface lists them.
      if (address !== undefined && addressRange(address) === 'loopback') own.add(address);
      else this.#missing.push(text);
    }
    return [...own];
  }

  #candidates(): Candidate[] {
    return this.#peers
      .filter((peer) => !this.#own.includes(peer.address) || peer.port !== 0)
      .map(({ address, port }) => ({ address, port, hops: 0, advertised: !this.#loopback, origin: CONFIGURED }));
  }
}

/** Adds the interface address of the peer's family that shares the longest prefix with it. */
function addNearest(own: Set<string>, peer: string, present: readonly { address: string; internal: boolean }[]): void {
  let best = '';
  let bestBits = -1;
  for (const { address, internal } of present) {
    if (isIpv4(address) !== isIpv4(peer) || internal !== (addressRange(peer) === 'loopback')) continue;
    if (addressRange(address) === 'link-local') continue;
    const bits = commonPrefixBits(address, peer);
    if (bits <= bestBits) continue;
    best = address;
    bestBits = bits;
  }
  if (best !== '') own.add(best);
}

/** @param a canonical text, as is `b`. */
function commonPrefixBits(a: string, b: string): number {
  const left = parseAddress(a);
  const right = parseAddress(b);
  if (left === undefined || right === undefined) return 0;
  let index = 0;
  while (index < left.length && left[index] === right[index]) index++;
  return index * 8 + (index < left.length ? Math.clz32(left[index]! ^ right[index]!) - 24 : 0);
}
