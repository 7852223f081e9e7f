/**
 * A bad network between daemons of one machine that needs no rights: a UDP relay that drops and delays. A node is known by
 * its source address, so the relay has one address for each node: what node i sends to the relay's address of j comes out at
 * j from the relay's address of i. All nodes but i itself know i by that one address, so facts about third nodes stay true.
 */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';

export interface RelayOptions {
  /** The nodes' own addresses, and in the same order the relay's addresses for them. */
  nodes: readonly string[];
  faces: readonly string[];
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

export class Relay {
  readonly counters: RelayCounters = { passed: 0, dropped: 0, bytes: 0 };
  loss: number;
  /** Sees what goes through, after the loss: `from` and `to` are indices of nodes. */
  onPass: (from: number, to: number, bytes: Uint8Array) => void = () => {};
  readonly #options: RelayOptions;
  readonly #sockets: Socket[] = [];
  readonly #cut = new Set<number>();
  /** In the order of their time: the delay is the same for all. */
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: RelayOptions) {
    this.#options = options;
    this.loss = options.loss;
  }

  static async start(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    for (const [index, address] of options.faces.entries()) await relay.#open(index, address);
    return relay;
  }

  /** Nothing reaches or leaves node `index` until it is joined again. */
  cut(index: number): void {
    this.#cut.add(index);
  }

  join(index: number): void {
    this.#cut.delete(index);
  }

  stop(): void {
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
      socket.bind(this.#options.port, address, resolve);
    });
    socket.on('error', () => {}); // a node that has ended: nobody listens there
  }

  #take(to: number, bytes: Uint8Array, sender: RemoteInfo): void {
    const { nodes, random, delayMs } = this.#options;
    const from = nodes.indexOf(sender.address);
    if (from < 0 || from === to || this.#cut.has(from) || this.#cut.has(to)) return;
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
