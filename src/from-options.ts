/** What the sections of the configuration become: options of the layers that they are about. */
import type { MeshSource } from './broadcast/mesh-source.ts';
import type { DaemonOptions, MainOptions, MeshOptions } from './config/options.ts';
import { defaultIrcOptions, type IrcOptions } from './irc/options.ts';
import { cjdnsMesh } from './mesh/cjdns/cjdns-mesh.ts';
import { joinEndpoint } from './mesh/cjdns/credentials.ts';
import { LanMesh } from './mesh/lan.ts';
import { StaticMesh } from './mesh/static.ts';
import { yggdrasilMesh } from './mesh/yggdrasil/yggdrasil-mesh.ts';
import { MeshNode } from './multicast/node.ts';
import type { Log } from './runtime/log.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { CreateNode } from './service/core.ts';

/** One `mesh` section; of `lan` one for each interface. */
export function createMeshes(runtime: Runtime, mesh: MeshOptions, port: number, log: Log): MeshSource[] {
  const { name, peer: peers } = mesh;
  switch (mesh.type) {
    case 'static':
      return [new StaticMesh(runtime, { name, addresses: mesh.address, peers, port }, log)];
    case 'cjdns': {
      const { adminAddress, adminPort, adminPassword: password } = mesh;
      const admin = adminAddress || adminPort ? joinEndpoint(adminAddress, adminPort) : '';
      return [cjdnsMesh(runtime, { name, peers, password, admin }, log)];
    }
    case 'yggdrasil':
      return [yggdrasilMesh(runtime, { name, peers, crawl: mesh.crawl, socket: mesh.socket }, log)];
    case 'lan':
      return mesh.interface.map((interfaceName) => new LanMesh(runtime, { name, interfaceName, port }, log));
  }
}

export function ircOptions(options: DaemonOptions): IrcOptions {
  const { irc } = options;
  const defaults = defaultIrcOptions();
  return {
    ...defaults,
    ...irc,
    accounts: options.account,
    operators: options.account.filter(({ operator }) => operator),
    floodLinesPerSecond: irc.flood,
    historyMs: irc.historyHours * 3_600_000,
  };
}

export function nodeFrom(runtime: Runtime, meshchat: MainOptions, epoch: number): CreateNode {
  const options = {
    epoch,
    port: meshchat.port,
    sha256: (bytes: Uint8Array) => runtime.sha256(bytes),
    probesPerMinute: meshchat.probesPerMinute,
    peersMax: meshchat.peersMax,
    logBytesMax: meshchat.logBytes,
    nodeLogBytesMax: meshchat.logBytesTotal,
    retainMs: meshchat.retainSeconds * 1000,
  };
  return (random, output) => new MeshNode(options, random, output);
}
