/**
 * The IRC server as a service: listeners in, the client library out. It imports the client's interface and the
 * runtime's types only, so it runs in the daemon or as a process of its own.
 */
import type { Client } from '../client/client.ts';
import type { Log } from '../runtime/log.ts';
import type { Runtime, Stream, StreamHandler } from '../runtime/runtime.ts';
import { Accounts } from './accounts.ts';
import { Ircd } from './ircd.ts';
import { Listeners } from './listeners.ts';
import { Mesh } from './mesh-port.ts';
import { Network } from './network.ts';
import type { IrcOptions } from './options.ts';
import { serveTcp } from './tcp-transport.ts';
import { serveWebSocket } from './websocket.ts';

const MESH_TICK_MS = 500;

export interface IrcServer {
  /** Bound ports, in the order of `listen`, `websocket`, `tlsListen`. */
  readonly ports: readonly number[];
  status(): object;
  /** Takes over what can change while running. @returns the names of the options that need a restart. */
  reload(options: IrcOptions): Promise<string[]>;
  /** Tells every client and the mesh, then closes. */
  stop(reason: string): void;
}

/**
 * @param version as clients are told it, a word
 * @throws SystemError when an address can not be listened on
 */
export async function startIrc(
  runtime: Runtime, client: Client, options: IrcOptions, log: Log, version: string,
): Promise<IrcServer> {
  const server = new Server(runtime, client, options, log, version);
  await server.start();
  return server;
}

class Server implements IrcServer {
  readonly #runtime: Runtime;
  readonly #ircd: Ircd;
  readonly #mesh: Mesh;
  readonly #listeners: Listeners;
  readonly #timers: { cancel(): void }[] = [];

  constructor(runtime: Runtime, client: Client, options: IrcOptions, log: Log, version: string) {
    this.#runtime = runtime;
    const network = new Network(options, runtime);
    const accounts = new Accounts((bytes) => runtime.sha256(bytes), (task) => runtime.later(task));
    accounts.configure(options.accounts, options.operators);
    const parts = { accounts, log, version };
    // The run's number rises with time and differs from an earlier one even when the clock was set back.
    const run = Math.floor(runtime.wallMs() / 1000) * 4096 + Math.floor(runtime.random() * 4096);
    const mesh = new Mesh(client, run, { network, ircd: () => ircd, log, random: () => runtime.random() });
    const ircd: Ircd = new Ircd(network, runtime, mesh, parts);
    this.#ircd = ircd;
    this.#mesh = mesh;
    const serveWeb = (stream: Stream): StreamHandler => serveWebSocket(ircd, stream);
    this.#listeners = new Listeners(runtime, () => ircd.options, log, (stream) => serveTcp(ircd, stream), serveWeb);
  }

  get ports(): readonly number[] {
    return this.#listeners.ports;
  }

  async start(): Promise<void> {
    const { options } = this.#ircd;
    if (!options.enabled) return;
    try {
      await this.#listeners.open();
    } catch (error) {
      this.stop('Server could not start');
      throw error;
    }
    this.#every(() => this.#ircd.tickMs, () => this.#ircd.tick());
    this.#every(() => MESH_TICK_MS, () => this.#mesh.tick());
    await this.#mesh.start();
  }

  #every(intervalMs: () => number, task: () => void): void {
    const timer = this.#runtime.timer(() => {
      timer.set(this.#runtime.now() + intervalMs());
      task();
    });
    timer.set(this.#runtime.now() + intervalMs());
    this.#timers.push(timer);
  }

  status(): object {
    const { network, counters, options } = this.#ircd;
    return {
      enabled: options.enabled, ports: this.ports, clients: network.sessions.size, users: network.nicks.users.size,
      localUsers: network.nicks.localUserCount, channels: network.channels.size, nodes: this.#mesh.nodes,
      counters: {
        ...counters, ...this.#mesh.counters, ...this.#mesh.directory.counters,
        snapshotsSent: this.#mesh.own.snapshotsSent,
      },
    };
  }

  async reload(options: IrcOptions): Promise<string[]> {
    const before = this.#ircd.options;
    const fixed = ['enabled', 'serverName', 'sendQueueBytesMax'] as const;
    const changed = fixed.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(options[name]));
    const kept: Record<string, unknown> = {};
    for (const name of changed) kept[name] = before[name];
    const now = { ...options, ...kept };
    this.#ircd.network.configure(now);
    this.#ircd.accounts.configure(now.accounts, now.operators);
    this.#mesh.applyLists();
    if (now.enabled) await this.#listeners.reload();
    return [...changed];
  }

  stop(reason: string): void {
    for (const timer of this.#timers) timer.cancel();
    this.#listeners.close();
    for (const session of [...this.#ircd.network.sessions]) {
      this.#ircd.close(session, reason, `Closing Link: (${reason})`);
    }
    this.#mesh.stop();
  }
}
