/**
 * 1,000 messages of 1,000 bytes in one go from the first node to all others over a real mesh, which loses half of
 * such a burst when it is sent as it comes (raw UDP loses 42-75 %). Also with datagram loss at every receiver:
 * LOSS=0.1
 *   node test/e2e/run.mjs mesh-burst     Yggdrasil: chain of 8; CJDROUTE=path: a line of 4
 */
import { allPairs, bar, check, createDaemons, finish } from './mesh-daemons.ts';
import { buildNet, enterNamespaces, sleep, until } from './namespaces.ts';
import { chooseRouters, startAll } from './namespaces-routers.ts';

const MESSAGES = Number(process.env['MESSAGES'] ?? 1000);
const BYTES = 1000;

enterNamespaces(200);
const cjdns = process.env['CJDROUTE'] !== undefined;
const count = Number(process.env['NODES'] ?? (cjdns ? 4 : 8));
const net = buildNet('chain', count);
const routers = chooseRouters(net);
if (routers === undefined) process.exit(0);
const loss = Number(process.env['LOSS'] ?? 0);
console.log(`${routers.version}, chain of ${count}, ${MESSAGES} messages of ${BYTES} bytes, ${loss * 100} % loss`);
await startAll(net, routers);
await sleep(10_000);
const daemons = createDaemons(net, routers.kind);
for (const daemon of daemons) daemon.start();
const start = performance.now();
await Promise.all(daemons.map((daemon) => daemon.join()));
bar('all pairs', await allPairs(daemons, routers, 65, start), 65_000);
await sleep(2000);
for (const node of net.nodes) node.loss(loss);

const sender = daemons[0]!;
const before = await sender.call('metrics');
const burstAt = performance.now();
const filler = 'x'.repeat(BYTES);
let next = 0;
const publishing = async (): Promise<void> => {
  while (next < MESSAGES) await sender.group!.publish(`${next++} ${filler}`.slice(0, BYTES));
};
// As fast as the daemon takes them; it holds back at most 256 publishes of a client.
await Promise.all(Array.from({ length: 200 }, publishing));
console.log(`accepted after ${Math.round(performance.now() - burstAt)} ms`);
const complete = await until(() => daemons.slice(1).every((daemon) => daemon.heard.length >= MESSAGES), 60, burstAt);
for (const daemon of daemons.slice(1)) {
  const mine = daemon.heard.filter(({ source }) => source === routers.addresses[0]);
  const inOrder = mine.every(({ text }, i) => text.startsWith(`${i} `));
  const last = mine.at(-1)?.at ?? burstAt;
  const gaps = daemon.gaps.length;
  const text = `${mine.length} of ${MESSAGES}, ${inOrder ? 'in order' : 'OUT OF ORDER'}, ${gaps} gaps`;
  const all = mine.length === MESSAGES && inOrder && gaps === 0;
  check(`node ${daemon.node.index}: ${text}, last after ${Math.round(last - burstAt)} ms`, all);
}
bar('everything everywhere', complete, 60_000);
const after = await sender.call('metrics');
const grown = (name: string): number => Number(after[name]) - Number(before[name]);
const wanted = MESSAGES * (count - 1);
const copies = grown('dataSent') / wanted;
console.log(`${grown('dataSent')} copies and ${grown('repairsSent')} repairs of ${wanted} wanted,`
  + ` ${grown('udpOut')} datagrams out, ${grown('udpIn')} in`);
check(`copies sent per message delivered: ${copies.toFixed(3)} (limit 1.15 without loss)`, loss > 0 || copies <= 1.15);
finish();
