/** Daemons for tests: each on loopback addresses of this test process alone, optionally with a bad network between them. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
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

function nodeAddress(index: number): string {
  return `${network}.${1 + index}`;
}

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
  /** Puts the relay between the nodes: enterOwnNetwork() comes first. */
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
  readonly #clients: ChatClient[] = [];

  private constructor(options: MeshOptions, relay: Relay | undefined) {
    this.#options = options;
    this.relay = relay;
    this.folder = daemons.temporaryFolder();
  }

  /** Without any daemon yet, and without a relay. */
  static create(options: MeshOptions): TestMesh {
    return new TestMesh(options, undefined);
  }

  get addresses(): string[] {
    return Array.from({ length: this.#options.count }, (_, index) => nodeAddress(index));
  }

  static async start(options: MeshOptions): Promise<TestMesh> {
    const { loss, delayMs, count } = options;
    const relay = loss === undefined && delayMs === undefined ? undefined : await Relay.start({
      nodes: Array.from({ length: count }, (_, index) => nodeAddress(index)), port: MESH_PORT, loss: loss ?? 0,
      delayMs: delayMs ?? 0, random: seededRandom(options.seed ?? 1),
    });
    const mesh = new TestMesh(options, relay);
    for (let index = 0; index < count; index++) mesh.startNode(index);
    try {
      await mesh.listening();
    } catch (error) {
      await mesh.stop();
      throw error;
    }
    return mesh;
  }

  /** Starts (or starts again) one node; wait with listening(). */
  startNode(index: number, args: readonly string[] = []): TestNode {
    const { count, env, envOf } = this.#options;
    const name = `node${index + 1}`;
    const address = nodeAddress(index);
    const peers = Array.from({ length: count }, (_, other) => nodeAddress(other)).filter((one) => one !== address);
    const lines: string[] = [];
    const startedAt = performance.now();
    const config = daemons.loopbackConfig({
      folder: this.folder, name, address, peers, ircAddress: address, ircPort: IRC_PORT,
    });
    const { child, configPath } = daemons.startDaemon({
      folder: this.folder, name, config, args: [...(this.#options.args ?? []), ...args],
      env: { ...env, ...envOf?.(index) }, onLine: (line: string) => lines.push(line.slice(name.length + 2)),
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

  async listening(nodes: readonly TestNode[] = this.nodes): Promise<void> {
    for (const { address, child, lines } of nodes) {
      try {
        await daemons.listening(address, IRC_PORT, child);
      } catch (error) {
        throw new Error(`${String(error)}\n${lines.join('\n')}`);
      }
    }
  }

  /** Waits for the control sockets instead of IRC. */
  async ready(ms = 60_000): Promise<void> {
    const end = performance.now() + ms;
    for (const { name, socketPath, lines } of this.nodes) {
      while (!existsSync(socketPath)) {
        if (performance.now() > end) throw new Error(`${name} has no control socket\n${lines.join('\n')}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
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
    return this.#keep(await ChatClient.join(this.node(index).address, IRC_PORT, nick));
  }

  /** A connection that has said nothing yet. */
  async stranger(index: number, nick = 'stranger'): Promise<ChatClient> {
    return this.#keep(await ChatClient.open(this.node(index).address, IRC_PORT, nick));
  }

  #keep(client: ChatClient): ChatClient {
    this.#clients.push(client);
    return client;
  }

  /** One client on each node, in #mesh, each seeing all the others. */
  async chatters<const T extends readonly string[]>(nicks: T, ms = 20_000): Promise<{ [K in keyof T]: ChatClient }> {
    const clients = await Promise.all(nicks.map((nick, index) => this.chatter(index, nick)));
    for (const client of clients) {
      await Promise.all(nicks.map((nick) => sees(client, nick, ms)));
    }
    return clients as { [K in keyof T]: ChatClient };
  }

  /** Ends all daemons; those that do not end on SIGTERM are killed. @returns how each one ended. */
  async stop(): Promise<NodeExit[]> {
    for (const client of this.#clients) client.close();
    const exits = await Promise.all(this.nodes.map((node) => endNode(node)));
    this.relay?.stop();
    return exits;
  }
}

/** Runs `task` with a mesh, and ends the mesh however the task ends. @returns how the daemons ended. */
export async function withMesh(options: MeshOptions, task: (mesh: TestMesh) => Promise<void>): Promise<NodeExit[]> {
  const mesh = await TestMesh.start(options);
  try {
    await task(mesh);
  } catch (error) {
    for (const { name, lines, child } of mesh.nodes) {
      if (child.exitCode !== null || child.signalCode !== null) console.log(`${name} has ended: ${child.exitCode ?? child.signalCode}`);
      const unusual = lines.filter((line) => !/listening on|warn: txiki|runs on|control socket/.test(line));
      for (const line of unusual.slice(-8)) console.log(`${name} said: ${line}`);
    }
    await mesh.stop();
    throw error;
  }
  return await mesh.stop();
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
