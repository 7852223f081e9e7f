/**
 * Several nodes of the IRC server in one process, joined by a mesh in memory, with real TCP listeners: for clients and test
 * suites that want an IRC server before a daemon is there.
 *   node irc-harness.mjs FILE     FILE: JSON, one object of IrcOptions (what differs from the defaults) per node;
 *   SIGHUP reads it again (accounts). "memory" in the first object: options of the mesh.
 */
import { readFileSync } from 'node:fs';
import { defaultIrcOptions } from '../../src/irc/options.ts';
import type { IrcOptions } from '../../src/irc/options.ts';
import { startIrc } from '../../src/irc/server.ts';
import type { IrcServer } from '../../src/irc/server.ts';
import { LineLog } from '../../src/runtime/log.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { MemoryMesh } from '../fakes/memory-mesh.ts';
import type { MeshFaults } from '../fakes/memory-mesh.ts';

const file = process.argv[2] as string;
type NodeOptions = Partial<IrcOptions> & { memory?: Partial<MeshFaults> };
const read = (): NodeOptions[] => JSON.parse(readFileSync(file, 'utf8')) as NodeOptions[];

const nodes = read();
const runtime = await createNodeRuntime();
const scheduler = {
  now: () => runtime.now(),
  at: (atMs: number, task: () => void) => void setTimeout(task, Math.max(0, atMs - runtime.now())),
};
const mesh = new MemoryMesh(scheduler, Math.random, nodes[0]?.memory ?? {});
const log = new LineLog('info', (line) => runtime.print(line));
const servers: IrcServer[] = [];
for (const [i, options] of nodes.entries()) {
  const client = mesh.node(`fc00::${(i + 1).toString(16)}:${(0xa1b0 + i).toString(16)}`);
  servers.push(await startIrc(runtime, client, { ...defaultIrcOptions(), ...options }, log));
}
process.on('SIGHUP', () => {
  for (const [i, options] of read().entries()) void servers[i]?.reload({ ...defaultIrcOptions(), ...options });
});
process.on('SIGTERM', () => {
  for (const server of servers) server.stop('Server is stopping');
  setTimeout(() => process.exit(0), 50);
});
