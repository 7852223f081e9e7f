/** The daemon: all layers put together, what a reload changes of them, and their end. */
import type { MeshSource } from './broadcast/mesh-source.ts';
import type { Group } from './client/client.ts';
import { LocalClient } from './client/local-client.ts';
import type { DaemonArguments } from './config/arguments.ts';
import { diffOptions } from './config/diff.ts';
import { loadConfiguration } from './config/load.ts';
import type { DaemonOptions } from './config/options.ts';
import { createMeshes, ircOptions, nodeFrom } from './from-options.ts';
import { type IrcServer, startIrc } from './irc/server.ts';
import { runtimeWarning } from './runtime/detect.ts';
import type { LineLog } from './runtime/log.ts';
import { type Runtime, SystemError } from './runtime/runtime.ts';
import { Daemon } from './service/daemon.ts';
import { nextEpoch } from './service/epoch.ts';
import { loadPeers, savePeers } from './service/remembered-peers.ts';
import { UbusService } from './service/ubus-service.ts';
import type { Table } from './ubus/blob.ts';

declare const MESHCHAT_VERSION: string;

const REMEMBER_MS = 300_000;

/** Names the option that the system refused. @throws SystemError */
async function named<T>(work: Promise<T>, option: string, section: string, value: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const why = error.code === 'EADDRINUSE' ? 'is in use by another program' : error.message;
    throw new SystemError(error.code, `option ${option} of section ${section}: ${value} ${why}`);
  }
}

/** Everything that runs, and what a reload changes of it. */
export class Meshchatd {
  readonly #runtime: Runtime;
  readonly #log: LineLog;
  readonly #arguments: DaemonArguments;
  #options: DaemonOptions;
  #daemon: Daemon | undefined;
  #irc: IrcServer | undefined;
  #ubus: UbusService | undefined;
  /** What runs, by the name of its section, with the options it was made from. */
  readonly #meshes = new Map<string, { text: string; sources: MeshSource[] }>();
  readonly #groups = new Map<string, { text: string; group: Group }>();
  #groupClient: LocalClient | undefined;
  #reloading = Promise.resolve();

  constructor(runtime: Runtime, log: LineLog, args: DaemonArguments, options: DaemonOptions) {
    this.#runtime = runtime;
    this.#log = log;
    this.#arguments = args;
    this.#options = options;
  }

  async start(): Promise<void> {
    const runtime = this.#runtime;
    const { meshchat } = this.#options;
    const epoch = await nextEpoch(runtime, meshchat.stateDir, this.#log);
    const createNode = nodeFrom(runtime, meshchat, epoch);
    const daemon = new Daemon(runtime, this.#log, { port: meshchat.port, epoch }, createNode);
    this.#daemon = daemon;
    daemon.remembered = await loadPeers(runtime.files, meshchat.stateDir);
    this.#rememberPeers();
    this.#useMeshes(daemon);
    await this.#startServices(daemon);
  }

  /** Makes what runs equal to the `mesh` sections: unchanged ones are left alone. */
  #useMeshes(daemon: Daemon): void {
    const { mesh, meshchat } = this.#options;
    const wanted = new Map(mesh.filter(({ enabled }) => enabled).map((one) => [one.name, one]));
    for (const [name, { text, sources }] of this.#meshes) {
      if (text === JSON.stringify(wanted.get(name))) continue;
      for (const source of sources) daemon.removeMesh(source);
      this.#meshes.delete(name);
    }
    for (const [name, options] of wanted) {
      if (this.#meshes.has(name)) continue;
      const sources = createMeshes(this.#runtime, options, meshchat.port, this.#log);
      for (const source of sources) daemon.addMesh(source);
      this.#meshes.set(name, { text: JSON.stringify(options), sources });
    }
  }

  /** The same for the groups that are joined from the start. */
  async #useGroups(client: LocalClient): Promise<void> {
    const wanted = new Map(this.#options.group.map((one) => [one.name, one]));
    for (const [name, { text, group }] of this.#groups) {
      if (text === JSON.stringify(wanted.get(name))) continue;
      await group.leave();
      this.#groups.delete(name);
    }
    for (const [name, one] of wanted) {
      if (this.#groups.has(name)) continue;
      const { name: _, ...options } = one;
      try {
        const group = await client.join(name, {}, { ...options, persist: true });
        this.#groups.set(name, { text: JSON.stringify(one), group });
      } catch (error) {
        // A program is in it with other options, or there are too many: no reason to be without all the others.
        this.#log.error(`config group '${name}': ${(error as Error).message}`);
      }
    }
  }

  /** Now and then, so that a crash forgets little. */
  #rememberPeers(): void {
    const timer = this.#runtime.timer(() => {
      timer.set(this.#runtime.now() + REMEMBER_MS);
      void this.#savePeers();
    });
    timer.set(this.#runtime.now() + REMEMBER_MS);
  }

  async #savePeers(): Promise<void> {
    const peers = this.#daemon?.node.peers(this.#runtime.now()) ?? [];
    try {
      await savePeers(this.#runtime.files, this.#options.meshchat.stateDir, peers);
    } catch (error) {
      this.#log.warn(`the peers could not be remembered: ${(error as Error).message}`);
    }
  }

  async #startServices(daemon: Daemon): Promise<void> {
    const { meshchat } = this.#options;
    const ubus = new UbusService(daemon, this.#log, {
      version: MESHCHAT_VERSION,
      socketPath: meshchat.socket,
      socketMode: meshchat.socketMode,
      systemBusPath: meshchat.systemBus,
      runtimeWarning: runtimeWarning(this.#runtime),
    });
    this.#ubus = ubus;
    await named(ubus.start(), 'socket', 'meshchat', meshchat.socket);
    const listen = this.#options.irc.listen.map(({ address, port }) => `${address}:${port}`).join(' ');
    const client = new LocalClient(daemon.groups);
    const irc = startIrc(this.#runtime, client, ircOptions(this.#options), this.#log, `meshchat-${MESHCHAT_VERSION}`);
    this.#irc = await named(irc, 'listen', 'irc', listen);
    ubus.addStatus('irc', () => this.#irc!.status() as Table);
    // After IRC, whose group is as IRC wants it.
    this.#groupClient = new LocalClient(daemon.groups);
    await this.#useGroups(this.#groupClient);
  }

  /** One after the other, however many signals come. */
  reload(): Promise<void> {
    const now = (): Promise<void> => this.#reload();
    return (this.#reloading = this.#reloading.then(now, now));
  }

  async #reload(): Promise<void> {
    const { config, sets } = this.#arguments;
    const { options, errors, warnings } = await loadConfiguration(this.#runtime.files, config, sets);
    for (const warning of warnings) this.#log.warn(warning);
    for (const error of errors) this.#log.error(error);
    if (options === undefined) return this.#log.error('reload: the configuration in force stays as it was');
    const changes = diffOptions(this.#options, options);
    this.#options = options;
    this.#log.level = options.meshchat.log;
    if (this.#daemon) this.#useMeshes(this.#daemon);
    if (this.#groupClient) await this.#useGroups(this.#groupClient);
    await this.#irc?.reload(ircOptions(options));
    // Also without any change: whoever sends SIGHUP may know that a mesh has just come up.
    for (const { sources } of this.#meshes.values()) for (const source of sources) source.refresh();
    for (const { name, restart } of changes) this.#log.info(`reload: ${name} ${restart ? 'needs a restart' : 'changed'}`);
  }

  async stop(): Promise<void> {
    this.#irc?.stop('Shutting down');
    this.#ubus?.stop();
    await this.#savePeers();
    await this.#daemon?.stop();
  }
}
