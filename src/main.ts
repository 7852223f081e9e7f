/**
 * The one script: `meshchatd` (first argument "daemon") runs the layers, anything else is the command line tool. The only file
 * that knows all layers: it reads the configuration and composes them.
 */
import type { MeshSource } from './broadcast/mesh-source.ts';
import { LocalClient } from './client/local-client.ts';
import { DAEMON_USAGE, parseArguments, type DaemonArguments } from './config/arguments.ts';
import { changeName, diffOptions } from './config/diff.ts';
import { loadConfiguration } from './config/load.ts';
import type { DaemonOptions, MeshOptions } from './config/options.ts';
import { defaultIrcOptions, type IrcOptions } from './irc/options.ts';
import { type IrcServer, startIrc } from './irc/server.ts';
import { cjdnsMesh } from './mesh/cjdns/cjdns-mesh.ts';
import { StaticMesh } from './mesh/static.ts';
import { MeshNode } from './multicast/node.ts';
import { createRuntime, runtimeWarning } from './runtime/detect.ts';
import { LineLog } from './runtime/log.ts';
import { type Runtime, SystemError } from './runtime/runtime.ts';
import { Daemon } from './service/daemon.ts';

declare const MESHCHAT_VERSION: string;

/** Our incarnation: rises with every start, also when the clock was set back since. In /tmp: flash is not written. */
async function nextEpoch(runtime: Runtime, stateDir: string): Promise<number> {
  const path = `${stateDir}/epoch`;
  let last = 0;
  try {
    last = Number(new TextDecoder().decode(await runtime.files.read(path, 64))) || 0;
  } catch {
    // The first start since boot.
  }
  const epoch = Math.max(Math.floor(runtime.wallMs() / 1000), last + 1) >>> 0;
  await runtime.files.makeFolder(stateDir, 0o700);
  await runtime.files.write(path, new TextEncoder().encode(String(epoch)));
  return epoch;
}

function createMesh(runtime: Runtime, mesh: MeshOptions, port: number, log: LineLog): MeshSource | undefined {
  const { name } = mesh;
  if (mesh.type === 'static') return new StaticMesh(runtime, { name, addresses: mesh.address, peers: mesh.peer, port }, log);
  if (mesh.type === 'cjdns') {
    const admin = mesh.adminAddress && mesh.adminPort ? { admin: `${mesh.adminAddress}:${mesh.adminPort}` } : {};
    return cjdnsMesh(runtime, { name, peers: mesh.peer, password: mesh.adminPassword, ...admin }, log);
  }
  return undefined;
}

function ircOptions(options: DaemonOptions): IrcOptions {
  const { irc } = options;
  const defaults = defaultIrcOptions();
  return {
    ...defaults,
    ...irc,
    accounts: options.account,
    floodLinesPerSecond: irc.flood,
    historyMs: irc.historyHours * 3_600_000,
  };
}

/** Everything that runs, and what a reload changes of it. */
class Service {
  readonly #runtime: Runtime;
  readonly #log: LineLog;
  readonly #arguments: DaemonArguments;
  #options: DaemonOptions;
  #daemon: Daemon | undefined;
  #irc: IrcServer | undefined;

  constructor(runtime: Runtime, log: LineLog, args: DaemonArguments, options: DaemonOptions) {
    this.#runtime = runtime;
    this.#log = log;
    this.#arguments = args;
    this.#options = options;
  }

  async start(): Promise<void> {
    const runtime = this.#runtime;
    const { meshchat, mesh } = this.#options;
    const epoch = await nextEpoch(runtime, meshchat.stateDir);
    const nodeOptions = {
      epoch,
      port: meshchat.port,
      sha256: (bytes: Uint8Array) => runtime.sha256(bytes),
      probesPerMinute: meshchat.probesPerMinute,
      peersMax: meshchat.peersMax,
      logBytesMax: meshchat.logBytes,
      nodeLogBytesMax: meshchat.logBytesTotal,
      retainMs: meshchat.retainSeconds * 1000,
    };
    const daemon = new Daemon(runtime, this.#log, { port: meshchat.port, epoch }, (random, output) => new MeshNode(nodeOptions, random, output));
    this.#daemon = daemon;
    const meshes = mesh.length > 0 ? mesh : [{ ...LOOPBACK }];
    for (const options of meshes) {
      const source = options.enabled ? createMesh(runtime, options, meshchat.port, this.#log) : undefined;
      if (source !== undefined) daemon.addMesh(source);
    }
    this.#irc = await startIrc(runtime, new LocalClient(daemon.groups, 'irc'), ircOptions(this.#options), this.#log);
    for (const { address, port } of this.#options.irc.listen) this.#log.info(`irc: listening on ${address} port ${port}`);
  }

  async reload(): Promise<void> {
    const { options, errors, warnings } = await loadConfiguration(this.#runtime.files, this.#arguments.config, this.#arguments.sets);
    for (const warning of warnings) this.#log.warn(warning);
    for (const error of errors) this.#log.error(error);
    if (options === undefined) return this.#log.error('reload: the configuration in force stays as it was');
    const changes = diffOptions(this.#options, options);
    this.#options = options;
    this.#log.level = options.meshchat.log;
    await this.#irc?.reload(ircOptions(options));
    for (const change of changes) this.#log.info(`reload: ${changeName(change)} ${change.restart ? 'needs a restart' : 'changed'}`);
  }

  async stop(): Promise<void> {
    this.#irc?.stop('Shutting down');
    await this.#daemon?.stop();
  }
}

/** Without any `mesh` section: the daemons of this machine make a mesh on loopback. */
const LOOPBACK: MeshOptions = {
  name: 'loopback', type: 'static', enabled: true, adminAddress: '', adminPort: 0, adminPassword: '', socket: '', crawl: false,
  address: [], peer: [], interface: [],
};

async function runDaemon(runtime: Runtime, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args);
  if (parsed.version) {
    runtime.print(`meshchatd ${MESHCHAT_VERSION}, ${runtime.name} ${runtime.version}`);
    return 0;
  }
  if (parsed.help) {
    runtime.print(DAEMON_USAGE);
    return 0;
  }
  if (parsed.problem) {
    runtime.printError(`meshchatd: ${parsed.problem}`);
    return 1;
  }
  const { options, errors, warnings } = await loadConfiguration(runtime.files, parsed.config, parsed.sets);
  for (const line of [...warnings, ...errors]) runtime.printError(`meshchatd: ${line}`);
  if (options === undefined) return 1;
  if (parsed.check) return 0;
  const log = new LineLog(options.meshchat.log, (line) => runtime.print(line));
  const warning = runtimeWarning(runtime);
  if (warning) log.warn(warning);
  const service = new Service(runtime, log, parsed, options);
  const ended = new Promise<number>((resolve) => {
    const end = (): void => void service.stop().then(() => resolve(0));
    runtime.onSignal('SIGTERM', end);
    runtime.onSignal('SIGINT', end);
    runtime.onSignal('SIGHUP', () => void service.reload());
  });
  try {
    await service.start();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    runtime.printError(`meshchatd: ${error.message} (${error.code})`);
    await service.stop();
    return 1;
  }
  log.info(`meshchatd ${MESHCHAT_VERSION} runs on ${runtime.name} ${runtime.version}`);
  return await ended;
}

const runtime = await createRuntime();
const [command, ...rest] = runtime.args;
const status = command === 'daemon' ? await runDaemon(runtime, rest) : 0;
runtime.stop();
runtime.exit(status);
