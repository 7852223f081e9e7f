/**
 * A bad network between daemons of one machine: a UDP relay that drops and delays. A node is known by its source address, so
 * the relay must not change it: in a network namespace of our own, packet filter rules rewrite ports and nothing else. What a
 * node sends to the mesh port of another comes to the relay's port at that address; what the relay sends from its port at an
 * address comes from the mesh port there.
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';

export interface RelayOptions {
  /** The nodes' addresses. */
  nodes: readonly string[];
  /** The mesh's. */
  port: number;
  /** Share of datagrams that is dropped in each direction, 0 … 1. */
  loss: number;
  /** One way. */
  delayMs: number;
  /** Uniform in [0, 1). */
  random(): number;
}

interface Waiting {
  at: number;
  from: Socket;
  to: string;
  bytes: Uint8Array;
}

export interface RelayCounters {
  passed: number;
  dropped: number;
  bytes: number;
}

/** As much as one second of a fast network holds: beyond it the relay would be the thing that is measured. */
const WAITING_MAX = 100_000;
const TICK_MS = 1;
const RELAY_PORT = 24627;
const NETWORK_VARIABLE = 'MESHCHAT_TEST_NETWORK';

function rules(port: number): string {
  return `table inet relay {
    chain out { type filter hook output priority mangle; udp sport ${port} udp dport ${port} udp dport set ${RELAY_PORT}; }
    chain in { type filter hook input priority mangle; udp sport ${RELAY_PORT} udp dport ${port} udp sport set ${port}; }
  }`;
}

/** Why `command` does not work here; '' when it does. */
function problem(command: string, args: readonly string[], input = ''): string {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input, timeout: 10_000 });
  return status === 0 ? '' : `${command}: ${error?.message ?? stderr.trim().split('\n')[0] ?? status}`;
}

/**
 * Call it first: the whole program runs again in a network of its own, where only loopback is. There it returns ''. Returns
 * why there can be none (no user namespaces, no nft); the caller tells it as skipped.
 */
export function enterOwnNetwork(port: number): string {
  const [program, ...args] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)] as [string, ...string[]];
  if (process.env[NETWORK_VARIABLE] === undefined) {
    const why = problem('unshare', ['--map-root-user', '--net', 'true']);
    if (why !== '') return why;
    const { status } = spawnSync('unshare', ['--map-root-user', '--net', program, ...args], {
      stdio: 'inherit', env: { ...process.env, [NETWORK_VARIABLE]: String(process.pid) },
    });
    process.exit(status ?? 1);
  }
  const parent = process.ppid;
  setInterval(() => { // killed by the time limit, the parent can not end us
    if (process.ppid !== parent) process.exit(1);
  }, 500).unref();
  return problem('ip', ['link', 'set', 'lo', 'up']) || problem('nft', ['-f', '-'], rules(port)) || withoutRules();
}

function withoutRules(): string {
  return problem('nft', ['delete', 'table', 'inet', 'relay']);
}

export class Relay {
  readonly counters: RelayCounters = { passed: 0, dropped: 0, bytes: 0 };
  loss: number;
  /** Sees all that is sent, before the loss: `from` and `to` are indices of nodes. */
  onTake: (from: number, to: number, bytes: Uint8Array) => void = () => {};
  /** Sees what goes through, after the loss. */
  onPass: (from: number, to: number, bytes: Uint8Array) => void = () => {};
  readonly #options: RelayOptions;
  readonly #sockets: Socket[] = [];
  readonly #cut = new Set<number>();
  #side: ReadonlySet<number> = new Set();
  /** In the order of their time: the delay is the same for all. */
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: RelayOptions) {
    this.#options = options;
    this.loss = options.loss;
  }

  static async start(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    const why = problem('nft', ['-f', '-'], rules(options.port));
    if (why !== '') throw new Error(why);
    for (const [index, address] of options.nodes.entries()) await relay.#open(index, address);
    return relay;
  }

  /** Nothing reaches or leaves node `index` until it is joined again. */
  cut(index: number): void {
    this.#cut.add(index);
  }

  join(index: number): void {
    this.#cut.delete(index);
  }

  /** These nodes reach each other and nobody else; [] ends it. */
  split(side: readonly number[]): void {
    this.#side = new Set(side);
  }

  /** A datagram that node `from` has not sent, as if it had. */
  inject(from: number, to: number, bytes: Uint8Array): void {
    this.#sockets[from]?.send(bytes, this.#options.port, this.#options.nodes[to]);
  }

  stop(): void {
    withoutRules();
    clearInterval(this.#timer);
    this.#waiting = [];
    for (const socket of this.#sockets) socket.close();
  }

  async #open(index: number, address: string): Promise<void> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    this.#sockets[index] = socket;
    socket.on('message', (bytes, sender) => this.#take(index, bytes, sender));
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(RELAY_PORT, address, resolve);
    });
    socket.on('error', () => {}); // a node that has ended: nobody listens there
  }

  #take(to: number, bytes: Uint8Array, sender: RemoteInfo): void {
    const { nodes, random, delayMs } = this.#options;
    const from = nodes.indexOf(sender.address);
    if (from < 0 || from === to || this.#cut.has(from) || this.#cut.has(to)) return;
    if (this.#side.has(from) !== this.#side.has(to)) return;
    this.onTake(from, to, bytes);
    if (random() < this.loss || this.#waiting.length >= WAITING_MAX) return void this.counters.dropped++;
    this.counters.passed++;
    this.counters.bytes += bytes.length;
    this.onPass(from, to, bytes);
    const socket = this.#sockets[from] as Socket;
    if (delayMs === 0) return socket.send(bytes, this.#options.port, nodes[to]);
    this.#waiting.push({ at: performance.now() + delayMs, from: socket, to: nodes[to] as string, bytes });
    this.#timer ??= setInterval(() => this.#deliver(), TICK_MS);
  }

  #deliver(): void {
    const now = performance.now();
    let count = 0;
    while (count < this.#waiting.length && (this.#waiting[count] as Waiting).at <= now) count++;
    if (count === 0) return;
    for (const { from, to, bytes } of this.#waiting.splice(0, count)) from.send(bytes, this.#options.port, to);
  }
}

/** xorshift32: the same losses with the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}
