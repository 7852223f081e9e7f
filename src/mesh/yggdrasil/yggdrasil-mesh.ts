/**
 * Yggdrasil as a source of nodes, 0.4 and 0.5. Its public network has thousands of nodes, none of which asked for our
 * probes: candidates are our direct peers and those who say in their NodeInfo that they run meshchat (`"meshchat":
 * {"port": 14627}`). Only a network of our own, whose links are all local and whose end a bounded walk from peer to
 * peer has seen, is small enough that all its nodes are candidates.
 */
import type { Candidate, MeshSource } from '../../broadcast/mesh-source.ts';
import type { Log } from '../../runtime/log.ts';
import type { Runtime, StreamAddress } from '../../runtime/runtime.ts';
import { parseEndpoint } from '../../wire/address.ts';
import type { Problem, Router, RouterReport, Tell } from '../router-mesh.ts';
import { RouterMesh } from '../router-mesh.ts';
import type { Answer, Failure } from './admin.ts';
import { field, listField, YggdrasilAdmin } from './admin.ts';
import { addressOfKey } from './key.ts';

export interface YggdrasilOptions {
  /** Name of the mesh in status; default 'yggdrasil'. */
  name?: string;
  /** A path or "127.0.0.1:9001", with or without unix:// or tcp://. Default: where systems keep it. */
  socket?: string;
  /** Nodes known to run meshchat. */
  peers?: readonly string[];
  /** Walk from peer to peer even where a link leaves the local networks, and tell what is found within the bounds. */
  crawl?: boolean;
}

/** A network with more nodes than this is not ours to probe. Each costs one question to that node. */
export const WALK_NODES_MAX = 64;
/** A question that set up the path to a node is often lost on it: soon asked again is better than waited for. */
const REMOTE_TIMEOUT_MS = 1200;
const WALK_MS_MAX = 10_000;
/** Whether the network is large is looked at again after this. */
const LARGE_MS = 3_600_000;
/** NodeInfo is asked of so many nodes per exploration, and of one node again after so long. */
const NODE_INFO_PER_ROUND = 8;
const NODE_INFO_AGAIN_MS = 1_800_000;
export const NODE_INFO_MAX = 512;
/** Entries of one answer that are looked at. */
const ENTRIES_MAX = 1024;

const SOCKET_FOLDERS = ['/var/run/yggdrasil', '/tmp/yggdrasil'];
const SOCKETS_MAX = 8;

interface NodeInfo {
  againAt: number;
  /** 0: it does not say that it runs meshchat. */
  port: number;
}

export function yggdrasilMesh(runtime: Runtime, options: YggdrasilOptions, log: Log): MeshSource {
  return new RouterMesh(new YggdrasilRouter(runtime, options), runtime, options.peers ?? [], log);
}

export class YggdrasilRouter implements Router {
  readonly name: string;
  readonly range = 'yggdrasil';
  readonly #runtime: Runtime;
  readonly #options: YggdrasilOptions;
  #admin: YggdrasilAdmin | undefined;
  /** For questions that other nodes must answer: one may block the connection for 6 s. */
  #remote: YggdrasilAdmin | undefined;
  #ownKey = '';
  /** Keys of direct peers, and of nodes that the router otherwise knows, as of the last round. */
  #peerKeys: string[] = [];
  #otherKeys: string[] = [];
  /** A link of ours goes over a public network. */
  #publicLink = false;
  #largeUntil = -Infinity;
  readonly #nodeInfo = new Map<string, NodeInfo>();
  #closed = false;

  constructor(runtime: Runtime, options: YggdrasilOptions) {
    this.name = options.name ?? 'yggdrasil';
    this.#runtime = runtime;
    this.#options = options;
  }

  async ask(tell: Tell): Promise<RouterReport> {
    this.#closed = false;
    const self = await this.#self();
    if (self.failure !== undefined) return { problem: problemOf(self.failure) };
    this.#ownKey = String(field(self.response, 'key'));
    const own = addressOfKey(this.#ownKey);
    if (own === undefined) return { problem: problemOf({ kind: 'refused', text: 'Yggdrasil tells no key of ours' }) };
    const peers = await this.#list('getpeers', 'peers');
    this.#peerKeys = keysOf(peers.filter((peer) => field(peer, 'up') !== false));
    this.#publicLink = peers.some((peer) => isPublicLink(String(field(peer, 'remote') ?? '')));
    const others = await this.#list('gettree', 'tree'); // 0.5
    if (others.length === 0) others.push(...(await this.#list('getdht', 'dht'))); // 0.4
    others.push(...(await this.#list('getsessions', 'sessions')), ...(await this.#list('getpaths', 'paths')));
    this.#otherKeys = keysOf(others).filter((key) => key !== this.#ownKey && !this.#peerKeys.includes(key));
    this.#tellKeys(tell, this.#peerKeys, 1);
    this.#tellAdvertised(tell);
    return { own, version: String(field(self.response, 'build_version') ?? '').slice(0, 32) };
  }

  async explore(tell: Tell): Promise<Problem | undefined> {
    await this.#walk(tell);
    await this.#askNodeInfo();
    this.#tellAdvertised(tell);
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#admin?.close();
    this.#remote?.close();
    this.#admin = this.#remote = undefined;
  }

  /** getself at the socket that last answered, or else at each place where one may be. */
  async #self(): Promise<Answer> {
    if (this.#admin !== undefined) {
      const answer = await this.#admin.call('getself');
      if (answer.failure === undefined) return answer;
    }
    let first: Answer | undefined;
    for (const at of await this.#places()) {
      if (this.#closed) break;
      this.#admin?.close();
      this.#admin = new YggdrasilAdmin(this.#runtime, at);
      const answer = await this.#admin.call('getself');
      if (answer.failure === undefined) {
        this.#remote?.close();
        this.#remote = new YggdrasilAdmin(this.#runtime, at);
        return answer;
      }
      // Of several failures the one that says most is told: a socket that is there comes before one that is not.
      if (first === undefined || first.failure?.kind === 'absent') first = answer;
    }
    this.#admin?.close();
    this.#admin = undefined;
    return first ?? { failure: { kind: 'absent', text: `no place "${this.#options.socket}"` } };
  }

  async #places(): Promise<StreamAddress[]> {
    const { socket } = this.#options;
    if (socket) {
      const endpoint = parseEndpoint(socket.replace(/^tcp:\/\//, ''));
      if (endpoint !== undefined && endpoint.port > 0) return [endpoint];
      return [{ path: socket.replace(/^unix:\/\//, '') }];
    }
    const places: StreamAddress[] = [{ path: '/var/run/yggdrasil.sock' }];
    for (const folder of SOCKET_FOLDERS) { // Debian's and OpenWrt's; the latter has one per interface
      const names = await this.#runtime.files.list(folder).catch(() => []);
      for (const name of names) if (name.endsWith('.sock')) places.unshift({ path: `${folder}/${name}` });
    }
    return [...places.slice(0, SOCKETS_MAX), { address: '127.0.0.1', port: 9001 }];
  }

  async #list(request: string, name: string): Promise<unknown[]> {
    const answer = await this.#admin?.call(request);
    if (answer === undefined || answer.failure !== undefined) return [];
    return listField(answer.response, name).slice(0, ENTRIES_MAX);
  }

  /** Follows debug_remotegetpeers from our peers on. Its nodes are told only once the whole network has been seen. */
  async #walk(tell: Tell): Promise<void> {
    const now = this.#runtime.now();
    const crawl = this.#options.crawl === true;
    if (!crawl && (this.#publicLink || now < this.#largeUntil)) return;
    const hops = new Map<string, number>([[this.#ownKey, 0]]);
    for (const key of this.#peerKeys) hops.set(key, 1);
    let answered = true;
    for (const [key, distance] of hops) { // grows while it is walked
      if (hops.size > WALK_NODES_MAX) {
        this.#largeUntil = now + LARGE_MS;
        if (!crawl) return;
        break;
      }
      if (this.#closed || this.#runtime.now() - now > WALK_MS_MAX) return;
      if (distance === 0) continue;
      const answer = await this.#remote?.call('debug_remotegetpeers', { key }, REMOTE_TIMEOUT_MS);
      if (answer === undefined || answer.failure !== undefined) {
        answered = false;
        continue;
      }
      for (const other of remoteKeys(answer.response)) if (!hops.has(other)) hops.set(other, distance + 1);
    }
    // A silent node may hide a large network: then what the router knows of it stays untold.
    if (answered) for (const key of this.#otherKeys) if (!hops.has(key)) hops.set(key, 0);
    for (const [key, distance] of hops) this.#tellKeys(tell, [key], distance);
  }

  async #askNodeInfo(): Promise<void> {
    const now = this.#runtime.now();
    for (const [key, info] of this.#nodeInfo) if (now >= info.againAt) this.#nodeInfo.delete(key);
    const due = [...this.#peerKeys, ...this.#otherKeys].filter((key) => !this.#nodeInfo.has(key));
    for (const key of due.slice(0, Math.min(NODE_INFO_PER_ROUND, NODE_INFO_MAX - this.#nodeInfo.size))) {
      if (this.#closed) return;
      const answer = await this.#remote?.call('getnodeinfo', { key }, REMOTE_TIMEOUT_MS);
      const answered = answer !== undefined && answer.failure === undefined;
      const port = answered ? field(field(field(answer.response, key), 'meshchat'), 'port') : 0;
      const valid = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536;
      this.#nodeInfo.set(key, { port: valid ? port : 0, againAt: now + NODE_INFO_AGAIN_MS });
    }
  }

  #tellAdvertised(tell: Tell): void {
    for (const [key, { port }] of this.#nodeInfo) if (port > 0) this.#tellKeys(tell, [key], 0, port);
  }

  /** @param port of a node that advertises itself, 0: it does not. */
  #tellKeys(tell: Tell, keys: readonly string[], hops: number, port = 0): void {
    const candidates: Candidate[] = [];
    for (const key of keys) {
      const address = addressOfKey(key);
      if (address !== undefined) candidates.push({ address, port, hops, advertised: port > 0 });
    }
    if (candidates.length > 0) tell(candidates);
  }
}

function keysOf(entries: readonly unknown[]): string[] {
  return [...new Set(entries.map((entry) => field(entry, 'key')).filter(isKey))];
}

/** In 0.4, paths to nodes known by address alone have a key that is filled up with ones. */
function isKey(key: unknown): key is string {
  return typeof key === 'string' && addressOfKey(key) !== undefined && !key.endsWith('ffffffffffffffff');
}

/** The answer holds one member, named by the address of the node that was asked. */
function remoteKeys(response: unknown): string[] {
  const of = typeof response === 'object' && response !== null ? Object.values(response)[0] : undefined;
  return listField(of, 'keys').slice(0, ENTRIES_MAX).filter(isKey);
}

/** Whether the link to a peer ("tls://HOST:PORT") leaves the local networks. Names count as public. */
export function isPublicLink(remote: string): boolean {
  const host = /^[a-z]+:\/\/(?:[^@/]*@)?(?:\[([^\]%]*)[^\]]*\]|([^:/]*))/.exec(remote);
  const address = host?.[1] ?? host?.[2] ?? '';
  if (address === '' || remote.startsWith('unix:')) return false;
  const local4 = /^(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
  return !local4.test(address) && !/^(fe[89ab]|f[cd]|::1$)/i.test(address);
}

function problemOf(failure: Failure): Problem {
  switch (failure.kind) {
    case 'denied':
      return { text: failure.text, remedy: 'run meshchat as root, or let its group read the socket' };
    case 'malformed':
      return { text: failure.text, remedy: 'set option socket of the mesh section to AdminListen of yggdrasil.conf' };
    case 'silent':
      return { text: failure.text, remedy: 'restart Yggdrasil: /etc/init.d/yggdrasil restart' };
    case 'refused':
      return { text: failure.text, remedy: 'use Yggdrasil 0.4 or 0.5' };
    default:
      return {
        text: `${failure.text}: it is not running, or its admin socket is elsewhere`,
        remedy: 'start Yggdrasil, or set option socket of the mesh section to AdminListen of yggdrasil.conf',
      };
  }
}
