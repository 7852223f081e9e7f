/**
 * The sources of nodes alone, against real mesh routers: in a chain of N nodes each node runs only its source and
 * tells what it finds. Prints, per node, when its own address came up and when it had named so many of the others.
 *   node test/e2e/run.mjs mesh-sources       CJDROUTE=path for cjdns; NODES=8, SHAPE=chain|star|full|tree
 */
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { LineLog } from '../../src/runtime/log.ts';
import { cjdnsMesh } from '../../src/mesh/cjdns/cjdns-mesh.ts';
import { yggdrasilMesh } from '../../src/mesh/yggdrasil/yggdrasil-mesh.ts';
import { buildNet, enterNamespaces, sleep, until } from './namespaces.ts';
import { chooseRouters, startAll } from './namespaces-routers.ts';

if (process.argv[2] === 'source') {
  const runtime = await createNodeRuntime();
  const log = new LineLog('info', (line) => runtime.print(`LOG ${line}`));
  const mesh = (process.argv[3] === 'cjdns' ? cjdnsMesh : yggdrasilMesh)(runtime, {}, log);
  const seen = new Set<string>();
  mesh.start({
    onOwnAddresses: (own) => runtime.print(`OWN ${own.join()}`),
    onCandidates: (candidates) => {
      for (const { address, hops } of candidates) {
        if (!seen.has(address)) runtime.print(`NODE ${address} ${hops} ${JSON.stringify(mesh.status())}`);
        seen.add(address);
      }
    },
  });
} else {
  await run();
}

async function run(): Promise<void> {
  enterNamespaces(110);
  const kind = (process.env['SHAPE'] ?? 'chain') as 'chain' | 'star' | 'full' | 'tree';
  const count = Number(process.env['NODES'] ?? 8);
  const net = buildNet(kind, count);
  const routers = chooseRouters(net);
  if (routers === undefined) process.exit(0);
  console.log(`${routers.version}, ${kind} of ${count}`);
  const startSources = (): void => {
    const command = [process.execPath, process.argv[1]!, 'source', routers.kind];
    for (const node of net.nodes) node.spawn('source.log', command);
  };
  const routersFirst = process.env['ROUTERS_FIRST'] !== undefined;
  if (routersFirst) await startAll(net, routers);
  else startSources();
  await sleep(Number(process.env['DELAY_MS'] ?? 1500));
  const start = performance.now();
  if (routersFirst) startSources();
  else await startAll(net, routers);
  const named = net.nodes.map(() => [] as string[]);
  const ownAt = net.nodes.map(() => -1);
  const lastAt = net.nodes.map(() => -1);
  const all = await until(() => {
    for (const { index } of net.nodes) {
      const text = net.nodes[index]!.log('source.log');
      const nodes = [...text.matchAll(/^NODE (\S+)/gm)].map((match) => match[1]!);
      const now = Math.round(performance.now() - start);
      if (ownAt[index] === -1 && text.includes(`OWN ${routers.addresses[index]}`)) ownAt[index] = now;
      if (nodes.length > named[index]!.length) lastAt[index] = now;
      named[index] = nodes;
    }
    return named.every((nodes) => nodes.length >= count - 1);
  }, Number(process.env['SECONDS'] ?? 60), start);
  for (const { index } of net.nodes) {
    const names = `names ${named[index]!.length} of ${count - 1}`;
    console.log(`node ${index}: own ${ownAt[index]} ms, ${names}, last ${lastAt[index]} ms`);
  }
  const strangers = named.flat().filter((address) => !routers.addresses.includes(address));
  console.log(`all name all: ${all} ms; strangers: ${strangers.length}`);
  if (process.env['VERBOSE'] !== undefined) {
    const node = net.nodes[Number(process.env['VERBOSE'])]!;
    console.log(node.log('source.log'), node.log(`${routers.kind}.log`).slice(-3000));
  }
  const ok = ownAt.every((at) => at >= 0) && named.every((nodes) => nodes.length > 0) && strangers.length === 0;
  console.log(ok ? 'ok' : 'FAIL: a node has no address, or names nobody, or somebody who is not there');
  process.exit(ok ? 0 : 1);
}
