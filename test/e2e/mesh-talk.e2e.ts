/**
 * How soon everybody talks with everybody on a real mesh, in both orders of starting.
 *   node test/e2e/run.mjs mesh-talk      Yggdrasil: chain of 8; CJDROUTE=path: cjdns, a line of 4
 *   SHAPE=chain|star|full|tree NODES=n LIMIT_MS=n ORDER=daemons|routers|both (who starts last)
 */
import { allPairs, bar, check, createDaemons, everybodyTalks, finish, startPinging } from './mesh-daemons.ts';
import { buildNet, enterNamespaces, sleep, until } from './namespaces.ts';
import { chooseRouters, startAll } from './namespaces-routers.ts';

enterNamespaces(240);
const cjdns = process.env['CJDROUTE'] !== undefined;
const kind = (process.env['SHAPE'] ?? 'chain') as 'chain' | 'star' | 'full' | 'tree';
const count = Number(process.env['NODES'] ?? (cjdns ? 4 : 8));
const order = process.env['ORDER'] ?? 'both';
const limit = process.env['LIMIT_MS'] === undefined ? 0 : Number(process.env['LIMIT_MS']);
const net = buildNet(kind, count);
const routers = chooseRouters(net);
if (routers === undefined) process.exit(0);
console.log(`${routers.version}, ${kind} of ${count}, ${(count * (count - 1)) / 2} pairs`);
const daemons = createDaemons(net, routers.kind);
let word = 0;

async function joinAll(): Promise<void> {
  await Promise.all(daemons.map((daemon) => daemon.join()));
}

if (order !== 'routers') {
  const up = performance.now();
  await startAll(net, routers);
  await sleep(Math.max(0, 10_000 - (performance.now() - up)));
  for (const daemon of daemons) daemon.start();
  const start = performance.now();
  await joinAll();
  console.log(`control sockets after ${Math.round(performance.now() - start)} ms`);
  bar('daemons start last: all pairs', await allPairs(daemons, routers, 65, start), limit || (cjdns ? 5000 : 8000));
  bar('everybody hears everybody', await everybodyTalks(daemons, `word ${++word}`), 2000);
  for (const daemon of daemons) await daemon.stop();
  for (const node of net.nodes) await routers.stop(node.index);
}
if (order !== 'daemons') {
  for (const daemon of daemons) daemon.start();
  await joinAll();
  await sleep(5000);
  const start = performance.now();
  await startAll(net, routers);
  const ping = startPinging(net.nodes[0]!, routers.addresses[count - 1]!);
  const talking = allPairs(daemons, routers, 65, start);
  const carried = await until(() => ping.through(), 60, start);
  ping.child.kill();
  console.log(`the mesh carries packets from end to end after ${carried} ms`);
  bar('routers start last: all pairs', await talking, limit || Math.max(8000, carried + 5000));
  bar('everybody hears everybody', await everybodyTalks(daemons, `word ${++word}`), 2000);
}
const metrics = await daemons[0]!.call('metrics');
console.log(`node 0: ${String(metrics['probesSent'])} probes, ${String(metrics['probesToSilent'])} to silent nodes,`
  + ` ${Math.round(Number(metrics['residentBytes']) / 1024)} KiB resident`);
check('every daemon still runs', daemons.every((daemon) => daemon.running()));
finish();
