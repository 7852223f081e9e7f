/** Daemons for tests: each on loopback addresses of this test process alone, optionally with a bad network between them. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ChatClient } from './chat-client.ts';
import { Relay, seededRandom } from './relay.ts';

// As a file: it finds the project by its own place.
const daemons = await import(pathToFileURL('scripts/daemons.mjs').href);

export const MESH_PORT = 14627;
export const IRC_PORT = 6667;
const EXIT_MS_MAX = 8000;

/** 127.x.y.*: of this process alone, so that several runs at a time do not meet. */
const network = `127.${64 + ((process.pid >> 8) & 127)}.${process.pid & 255}`;

export interface NodeExit {
  status: number | null;
  signal: string | null;
}

export interface TestNode {
  name: string;
  /** Of the mesh, and of IRC port 6667. */
  address: string;
  child: ChildProcess;
  configPath: string;
  socketPath: string;
  /** What it has printed. */
  lines: string[];
  startedAt: number;
  exited: Promise<NodeExit>;
}

export interface MeshOptions {
  count: number;
  /** Puts the relay between the nodes. */
  loss?: number;
  delayMs?: number;
  seed?: number;
  args?: string[];
  env?: Record<string, string>;
  /** Per node, over `env`: several runtimes in one mesh. */
  envOf?(index: number): Record<string, string>;
}

const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

export class TestMesh {
  readonly nodes: TestNode[] = [];
  readonly relay: Relay | undefined;
  readonly folder: string;
  readonly #options: MeshOptions;

  private constructor(options: MeshOptions, relay: Relay | undefined) {
    this.#options = options;
    this.relay = relay;
    this.folder = daemons.temporaryFolder();
  }

  static async start(options: MeshOptions): Promise<TestMesh> {
    const { loss, delayMs, count } = options;
    const addresses = (first: number): string[] => Array.from({ length: count }, (_, index) => `${network}.${first + index}`);
    const relay = loss === undefined && delayMs === undefined ? undefined : await Relay.start({
      nodes: addresses(1), faces: addresses(101), port: MESH_PORT, loss: loss ?? 0, delayMs: delayMs ?? 0,
      random: seededRandom(options.seed ?? 1),
    });
    const mesh = new TestMesh(options, relay);
    for (let index = 0; index < count; index++) mesh.startNode(index);
    await mesh.listening();
    return mesh;
  }

  /** Starts (or starts again) one node; wait with listening(). */
  startNode(index: number, args: readonly string[] = []): TestNode {
    const { count, env, envOf } = this.#options;
    const name = `node${index + 1}`;
    const address = `${network}.${1 + index}`;
    const others = Array.from({ length: count }, (_, other) => other).filter((other) => other !== index);
    const peers = others.map((other) => `${network}.${other + (this.relay === undefined ? 1 : 101)}`);
    const lines: string[] = [];
    const startedAt = performance.now();
    const config = daemons.loopbackConfig({
      folder: this.folder, name, address, peers, ircAddress: address, ircPort: IRC_PORT,
    });
    const { child, configPath } = daemons.startDaemon({
      folder: this.folder, name, config, args: [...(this.#options.args ?? []), ...args],
      env: { ...env, ...envOf?.(index) }, onLine: (line: string) => lines.push(line),
    });
    started.add(child);
    const exited = new Promise<NodeExit>((resolve) => {
      child.on('close', (status: number | null, signal: string | null) => {
        started.delete(child);
        resolve({ status, signal });
      });
    });
    const node = { name, address, child, configPath, socketPath: `${this.folder}/${name}.sock`, lines, startedAt, exited };
    this.nodes[index] = node;
    return node;
  }

  async listening(): Promise<void> {
    for (const { address, child, lines } of this.nodes) {
      try {
        await daemons.listening(address, IRC_PORT, child);
      } catch (error) {
        throw new Error(`${String(error)}\n${lines.join('\n')}`);
      }
    }
  }

  node(index: number): TestNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  }

  /** A client of node `index` in #mesh. */
  async chatter(index: number, nick: string): Promise<ChatClient> {
    return await ChatClient.join(this.node(index).address, IRC_PORT, nick);
  }

  /** One client on each node, in #mesh, each seeing all the others. */
  async chatters(nicks: readonly string[], ms = 20_000): Promise<ChatClient[]> {
    const clients = await Promise.all(nicks.map((nick, index) => this.chatter(index, nick)));
    for (const client of clients) {
      await Promise.all(nicks.map((nick) => sees(client, nick, ms)));
    }
    return clients;
  }

  /** Ends all daemons; those that do not end on SIGTERM are killed. @returns how each one ended. */
  async stop(): Promise<NodeExit[]> {
    const exits = await Promise.all(this.nodes.map((node) => endNode(node)));
    this.relay?.stop();
    return exits;
  }
}

/** Waits until `client` knows that `nick` is in #mesh: by its JOIN or by NAMES. */
export async function sees(client: ChatClient, nick: string, ms: number): Promise<void> {
  await client.wait(new RegExp(`^(?:@\\S+ )?:${nick}!\\S+ JOIN :?#mesh| 353 .*[ :@+]${nick}(?: |$)`), ms);
}

export async function endNode({ child, exited }: TestNode): Promise<NodeExit> {
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), EXIT_MS_MAX);
  const exit = await exited;
  clearTimeout(limit);
  return exit;
}

/** Resident memory in kB; 0 when it has ended. */
export function residentKb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** What the daemons run on, for the lines that a test prints. */
export const RUNTIME = process.env['MESHCHAT_RUNTIME'] === 'node' ? `node ${process.versions.node}` : (process.env['TJS'] ?? 'txiki.js');
