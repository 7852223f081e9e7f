/** A small world for the tests of the IRC server: virtual time, nodes on a mesh in memory, clients on streams in memory. */
import type { Client } from '../../../src/client/client.ts';
import { defaultIrcOptions } from '../../../src/irc/options.ts';
import type { IrcOptions } from '../../../src/irc/options.ts';
import { startIrc } from '../../../src/irc/server.ts';
import type { IrcServer } from '../../../src/irc/server.ts';
import { LineLog } from '../../../src/runtime/log.ts';
import type { Runtime, Stream, StreamHandler } from '../../../src/runtime/runtime.ts';
import { MemoryMesh } from '../../fakes/memory-mesh.ts';
import type { MemoryClient, MeshFaults } from '../../fakes/memory-mesh.ts';

/** mulberry32. */
export function seeded(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Tasks in order of time, then of arrival; promises settle between two tasks. */
export class VirtualTime {
  nowMs = 1000;
  #tasks: { atMs: number; order: number; task: () => void }[] = [];
  #order = 0;

  now(): number {
    return this.nowMs;
  }
  at(atMs: number, task: () => void): void {
    const item = { atMs: Math.ceil(Math.max(atMs, this.nowMs)), order: this.#order++, task };
    let low = 0;
    let high = this.#tasks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#tasks[middle] as typeof item;
      if (other.atMs > item.atMs || (other.atMs === item.atMs && other.order > item.order)) high = middle;
      else low = middle + 1;
    }
    this.#tasks.splice(low, 0, item);
  }
  async run(forMs: number): Promise<void> {
    const endMs = this.nowMs + Math.ceil(forMs);
    await settle();
    while (this.#tasks.length > 0 && (this.#tasks[0] as { atMs: number }).atMs <= endMs) {
      const next = this.#tasks.shift() as { atMs: number; task: () => void };
      this.nowMs = next.atMs;
      next.task();
      await settle();
    }
    this.nowMs = endMs;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve();
}

/** SHA-256 for the tests: the same on every runtime. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const k: number[] = [];
  const h: number[] = [];
  for (let n = 2; k.length < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (h.length < 8) h.push((Math.sqrt(n) * 4294967296) | 0);
    k.push((Math.cbrt(n) * 4294967296) | 0);
  }
  const length = ((bytes.length + 8) >> 6) * 64 + 64;
  const padded = new Uint8Array(length);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 4, bytes.length * 8);
  const w = new Int32Array(64);
  const rotate = (x: number, n: number): number => (x >>> n) | (x << (32 - n));
  for (let block = 0; block < length; block += 64) {
    for (let i = 0; i < 64; i++) {
      const [a, b] = [w[i - 15] ?? 0, w[i - 2] ?? 0];
      w[i] = i < 16 ? view.getInt32(block + i * 4)
        : (w[i - 16] as number) + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + (w[i - 7] as number) +
          (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10));
    }
    const s = [...h];
    for (let i = 0; i < 64; i++) {
      const [a, b, c, d, e, f, g, last] = s as [number, number, number, number, number, number, number, number];
      const t1 = (last + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + (k[i] as number) + (w[i] as number)) | 0;
      const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      s.splice(0, 8, (t1 + t2) | 0, a, b, c, (d + t1) | 0, e, f, g);
    }
    for (let i = 0; i < 8; i++) h[i] = ((h[i] as number) + (s[i] as number)) | 0;
  }
  const hash = new Uint8Array(32);
  for (const [i, value] of h.entries()) new DataView(hash.buffer).setInt32(i * 4, value);
  return hash;
}

export class World {
  readonly time = new VirtualTime();
  readonly random: () => number;
  readonly mesh: MemoryMesh;
  readonly nodes = new Map<string, TestNode>();
  readonly logged: string[] = [];

  constructor(seed = 1, faults: Partial<MeshFaults> = {}) {
    this.random = seeded(seed);
    this.mesh = new MemoryMesh(this.time, this.random, faults);
  }
  async node(address: string, options: Partial<IrcOptions> = {}): Promise<TestNode> {
    const node = new TestNode(this, address);
    this.nodes.set(address, node);
    await node.start(options);
    return node;
  }
  run(forMs = 50): Promise<void> {
    return this.time.run(forMs);
  }
}

export class TestNode {
  readonly world: World;
  readonly address: string;
  client!: MemoryClient;
  server!: IrcServer;
  options: Partial<IrcOptions> = {};
  #accept: ((stream: Stream) => StreamHandler)[] = [];
  #stopped = false;
  readonly clients: TestClient[] = [];

  constructor(world: World, address: string) {
    this.world = world;
    this.address = address;
  }

  async start(options: Partial<IrcOptions>): Promise<void> {
    const { time, mesh, random, logged } = this.world;
    this.options = options;
    this.client = mesh.node(this.address);
    this.#stopped = false;
    const log = new LineLog('info', (line) => {
      if (line.startsWith('error')) logged.push(line);
    });
    const runtime = {
      now: () => time.now(),
      wallMs: () => 1_700_000_000_000 + time.now(),
      random,
      sha256,
      later: (task: () => void) => time.at(time.now(), task),
      timer: (task: () => void) => {
        let current = 0;
        return {
          deadlineMs: Infinity,
          set: (atMs: number) => {
            const mine = ++current;
            time.at(atMs, () => {
              if (mine === current && !this.#stopped) task();
            });
          },
          cancel: () => void current++,
        };
      },
      listen: (wanted: { onStream(stream: Stream): StreamHandler }) => {
        this.#accept.push((stream) => wanted.onStream(stream));
        return Promise.resolve({ port: 6667, close: () => undefined });
      },
    } as unknown as Runtime;
    this.#accept = [];
    const wanted = { ...defaultIrcOptions(), playbackLines: 0, ...options };
    const starting = startIrc(runtime, this.client as Client, wanted, log, 'meshchat-test');
    await this.world.run(200);
    this.server = await starting;
  }

  /** kill -9: its clients are cut off. */
  crash(): void {
    this.#stopped = true;
    this.client.crash();
    this.clients.length = 0;
  }

  connect(listener = 0, address = '127.0.0.9'): TestClient {
    const client = new TestClient(this.world, address);
    client.open(this.#accept[listener] as (stream: Stream) => StreamHandler);
    this.clients.push(client);
    return client;
  }

  /** A registered client. `caps` separated by spaces. */
  async user(nick: string, caps = ''): Promise<TestClient> {
    const client = this.connect();
    if (caps !== '') client.send('CAP LS 302', `CAP REQ :${caps}`);
    client.send(`NICK ${nick}`, `USER ${nick} 0 * :${nick} of ${this.address}`);
    if (caps !== '') client.send('CAP END');
    await this.world.run();
    client.nick = nick;
    client.take();
    return client;
  }
}

/** One client on a stream in memory. */
export class TestClient {
  nick = '';
  closed = false;
  paused = false;
  /** What the client does not read stays queued in the server's stream. */
  stuck = false;
  answersPing = true;
  queuedBytes = 0;
  writeCount = 0;
  /** The bytes of the last write. */
  sent: number[] = [];
  readonly all: string[] = [];
  #lines: string[] = [];
  #text = '';
  #handler!: StreamHandler;
  readonly world: World;
  readonly address: string;

  constructor(world: World, address: string) {
    this.world = world;
    this.address = address;
  }

  open(accept: (stream: Stream) => StreamHandler): void {
    const close = (): void => {
      if (this.closed) return;
      this.closed = true;
      this.world.time.at(this.world.time.now(), () => this.#handler.onClose());
    };
    const client = this;
    this.#handler = accept({
      remoteAddress: this.address,
      get queuedBytes() {
        return client.queuedBytes;
      },
      write: (bytes) => {
        if (this.closed || this.queuedBytes + bytes.length > 1 << 20) return false;
        this.writeCount++;
        this.sent = [...bytes];
        if (this.stuck) this.queuedBytes += bytes.length;
        else this.#receive(new TextDecoder().decode(bytes));
        return true;
      },
      pause: () => void (this.paused = true),
      resume: () => void (this.paused = false),
      end: close, close,
    });
  }

  #receive(text: string): void {
    const lines = (this.#text + text).split('\r\n');
    this.#text = lines.pop() as string;
    for (const line of lines) {
      this.all.push(line);
      if (!line.startsWith('PING ') || !this.answersPing) this.#lines.push(line);
      else this.world.time.at(this.world.time.now(), () => this.send(`PONG${line.slice(4)}`));
    }
  }

  send(...lines: string[]): void {
    this.bytes(new TextEncoder().encode(lines.map((line) => `${line}\r\n`).join('')));
  }
  bytes(bytes: Uint8Array): void {
    if (!this.closed) this.#handler.onData(bytes);
  }
  disconnect(): void {
    if (this.closed) return;
    this.closed = true;
    this.#handler.onClose();
  }

  /** What has come after the last line end. */
  get unfinished(): string {
    return this.#text;
  }

  /** Lines since the last take. */
  take(): string[] {
    return this.#lines.splice(0);
  }
  /** Sends, lets the world run, and returns the answer. */
  async ask(...lines: string[]): Promise<string[]> {
    this.take();
    this.send(...lines);
    await this.world.run();
    return this.take();
  }
}

/** Lines without tags, sources cut to the nick: "bob PRIVMSG #c hi". */
export function brief(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const body = line.startsWith('@') ? line.slice(line.indexOf(' ') + 1) : line;
    return body.replace(/^:([^ !]+)(![^ ]*)?/, '$1').replace(/ :/, ' ');
  });
}

/** Who a client sees in a channel. */
export async function names(client: TestClient, channel: string): Promise<string[]> {
  const lines = await client.ask(`NAMES ${channel}`);
  return lines.filter((line) => line.includes(' 353 ')).flatMap((line) => {
    const list = line.slice(line.indexOf(channel) + channel.length).trim();
    return (list.startsWith(':') ? list.slice(1) : list).split(' ');
  }).map((name) => name.replace(/^[@+]+/, '')).sort();
}

export const A = 'fc00::aa01';
export const B = 'fc00::bb02';
export const C = 'fc00::cc03';

/** Nodes at A, B and C that know each other. */
export async function nodes(faults = {}, options = {}): Promise<{ world: World; a: TestNode; b: TestNode; c: TestNode }> {
  const world = new World(3, faults);
  const [a, b, c] = [await world.node(A, options), await world.node(B, options), await world.node(C, options)];
  await world.run(500);
  return { world, a, b, c };
}
/** A client of `node` that has just come into a channel. */
export async function joined(node: TestNode, nick: string, caps = '', channel = '#c'): Promise<TestClient> {
  const client = await node.user(nick, caps);
  await client.ask(`JOIN ${channel}`);
  await node.world.run(200);
  client.take();
  return client;
}
