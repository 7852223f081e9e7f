/**
 * The IRC server as a service: listeners in, the client library out. It imports the client's interface and the
 * runtime's types only, so it runs in the daemon or as a process of its own.
 */
import type { Client } from '../client/client.ts';
import type { Log } from '../runtime/log.ts';
import type { Listener, Runtime, Stream, StreamHandler } from '../runtime/runtime.ts';
import { Accounts } from './accounts.ts';
import { Conversations } from './conversations.ts';
import { Ircd } from './ircd.ts';
import { Mesh } from './mesh-port.ts';
import { Network } from './network.ts';
import type { IrcOptions, ListenAddress } from './options.ts';
import { serveTcp } from './tcp-transport.ts';
import { serveWebSocket } from './websocket.ts';

export const IRC_VERSION = 'meshchat-1';
const MESH_TICK_MS = 500;

export interface IrcServer {
  /** Bound ports, in the order of `listen`, then `websocket`. */
  readonly ports: number[];
  status(): object;
  /** Takes over what can change while running. @returns the names of the options that need a restart. */
  reload(options: IrcOptions): Promise<string[]>;
  /** Tells every client and the mesh, then closes. */
  stop(reason: string): void;
}

/** @throws SystemError when an address can not be listened on. */
export async function startIrc(runtime: Runtime, client: Client, options: IrcOptions, log: Log): Promise<IrcServer> {
  const server = new Server(runtime, client, options, log);
  await server.start();
  return server;
}

class Server implements IrcServer {
  readonly ports: number[] = [];
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #ircd: Ircd;
  readonly #mesh: Mesh;
  readonly #listeners: Listener[] = [];
  readonly #timers: { cancel(): void }[] = [];

  constructor(runtime: Runtime, client: Client, options: IrcOptions, log: Log) {
    this.#runtime = runtime;
    this.#log = log;
    const network = new Network(options, runtime);
    const accounts = new Accounts((bytes) => runtime.sha256(bytes), (task) => runtime.later(task));
    accounts.configure(options.accounts, options.operators);
    const conversations = new Conversations(() => network.newHistory());
    const parts = { accounts, conversations, log, version: IRC_VERSION };
    // The run's number rises with time and differs from an earlier one even when the clock was set back.
    const run = Math.floor(runtime.wallMs() / 1000) * 4096 + Math.floor(runtime.random() * 4096);
    let ircd: Ircd | undefined = undefined;
    const holder = { network, options } as unknown as Ircd;
    const mesh = new Mesh(client, run, { ircd: () => ircd ?? holder, log, random: () => runtime.random() });
    ircd = new Ircd(options, network, runtime, mesh, parts);
    this.#ircd = ircd;
    this.#mesh = mesh;
  }

  async start(): Promise<void> {
    const { options } = this.#ircd;
    if (!options.enabled) return;
    if (options.tlsListen.length > 0) {
      this.#log.warn('irc.tls_listen: this runtime has no TLS listener; put a TLS proxy in front of a plain one');
    }
    const ircd = this.#ircd;
    try {
      for (const at of options.listen) await this.#listen(at, (stream) => serveTcp(ircd, stream));
      for (const at of options.websocket) await this.#listen(at, (stream) => serveWebSocket(ircd, stream));
    } catch (error) {
      this.stop('Server could not start');
      throw error;
    }
    this.#every(() => ircd.tickMs, () => ircd.tick());
    this.#every(() => MESH_TICK_MS, () => this.#mesh.tick());
    await this.#mesh.start();
  }

  async #listen(at: ListenAddress, onStream: (stream: Stream) => StreamHandler): Promise<void> {
    const writeQueueBytesMax = this.#ircd.options.sendQueueBytesMax;
    const listener = await this.#runtime.listen({ at, writeQueueBytesMax, readBytesMax: 2048, onStream });
    this.#listeners.push(listener);
    this.ports.push(listener.port);
    this.#log.info(`irc: listening on ${at.address} port ${listener.port}`);
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
      enabled: options.enabled, ports: this.ports, clients: network.sessions.size, users: network.users.size,
      localUsers: network.localUserCount, channels: network.channels.size, nodes: this.#mesh.nodes(),
      counters: {
        ...counters, ...this.#mesh.counters, ...this.#mesh.directory.counters,
        snapshotsSent: this.#mesh.directory.own.snapshotsSent,
      },
    };
  }

  async reload(options: IrcOptions): Promise<string[]> {
    const before = this.#ircd.options;
    const fixed = [
      'enabled', 'listen', 'websocket', 'tlsListen', 'tlsCert', 'tlsKey', 'serverName', 'sendQueueBytesMax',
    ] as const;
    const changed = fixed.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(options[name]));
    const kept: Record<string, unknown> = {};
    for (const name of changed) kept[name] = before[name];
    const now = { ...options, ...kept };
    this.#ircd.options = now;
    this.#ircd.network.options = now;
    this.#ircd.accounts.configure(now.accounts, now.operators);
    this.#mesh.applyLists();
    return [...changed];
  }

  stop(reason: string): void {
    for (const timer of this.#timers) timer.cancel();
    for (const listener of this.#listeners) listener.close();
    for (const session of [...this.#ircd.network.sessions]) {
      this.#ircd.close(session, reason, `Closing Link: (${reason})`);
    }
    this.#mesh.stop();
  }
}
