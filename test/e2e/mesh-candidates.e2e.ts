/**
 * A routing table of 5,000 nodes of which 20 run meshchat: a real daemon against an admin port that tells this table,
 * and 20 more daemons that know 40 nodes each. Probes to the others vanish, as on a mesh. Tells the time until all
 * are found, the probes it took and the daemon's memory.
 *   node test/e2e/run.mjs mesh-candidates        TABLE=n MEMBERS=n
 */
import { hash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { decodeBencode, encodeBencode, textOf } from '../../src/mesh/cjdns/bencode.ts';
import { addressOfKey } from '../../src/mesh/cjdns/node-name.ts';
import { bar, check, finish, TestDaemon } from './mesh-daemons.ts';
import { enterNamespaces, sh, sleep, TestNode } from './namespaces.ts';

const TABLE = Number(process.env['TABLE'] ?? 5000);
const MEMBERS = Number(process.env['MEMBERS'] ?? 20);
const SMALL_TABLE = 40;
const PAGE = 4;
const ALPHABET = '0123456789bcdfghjklmnpqrstuvwxyz';

enterNamespaces(170);
const sha512 = (bytes: Uint8Array): Uint8Array => hash('sha512', bytes, 'buffer');

const bytes = randomBytes(32);
/** One key in 256 has an address in fc00::/8. */
function newNode(): { key: string; address: string } {
  for (;;) {
    let i = 0;
    do bytes[i]!++; while (bytes[i++] === 0); // the next number
    if (sha512(sha512(bytes))[0] !== 0xfc) continue;
    let key = '';
    for (let bit = 0; bit < 256; bit += 5) {
      const value = ((bytes[bit >> 3]! | ((bytes[(bit >> 3) + 1] ?? 0) << 8)) >> (bit & 7)) & 31;
      key += ALPHABET[value]!;
    }
    return { key, address: addressOfKey(key, sha512)! };
  }
}

/** cjdns's admin port: only what names nodes. */
function serveAdmin(port: number, own: string, keys: readonly string[]): void {
  const socket = createSocket('udp4');
  const name = (key: string, label: string): string => `v21.${label}.${key}.k`;
  socket.on('message', (bytes, from) => {
    const dict = decodeBencode(bytes);
    if (typeof dict === 'string') return;
    const txid = textOf(dict, 'txid');
    const q = textOf(dict, 'q');
    const args = dict.get('args');
    const page = args instanceof Map ? Number(args.get('page') ?? 0) : 0;
    let answer = encodeBencode({ error: 'No functions matched your request', txid });
    if (q === 'Core_nodeInfo') answer = encodeBencode({ myAddr: name(own, '0000.0000.0000.0001'), txid });
    if (q === 'NodeStore_dumpTable') {
      const rows = keys.slice(page * PAGE, (page + 1) * PAGE)
        .map((key) => `d4:addr78:${name(key, '0000.0000.0003.5553')}e`).join('');
      const more = (page + 1) * PAGE < keys.length ? '4:morei1e' : '';
      answer = new TextEncoder().encode(`d${more}12:routingTablel${rows}e4:txid8:${txid}e`);
    }
    socket.send(answer, from.port, from.address);
  });
  socket.bind(port, '127.0.0.1');
}

const made = performance.now();
const nodes = Array.from({ length: TABLE + 1 }, newNode);
console.log(`${TABLE} keys made in ${Math.round(performance.now() - made)} ms`);
const own = nodes.shift()!;
const members = Array.from({ length: MEMBERS }, (_, i) => Math.floor((i + 0.5) * (TABLE / MEMBERS)));
// What is sent to the other addresses goes to a device that throws it away.
sh('ip link add gone0 type veth peer name gone1; ip link set gone1 up; ip link set gone0 arp off up');
sh('ip -6 route add fc00::/8 dev gone0');
for (const { address } of [own, ...members.map((index) => nodes[index]!)]) sh(`ip -6 addr add ${address}/128 dev lo`);

const folder = '/mnt/e2e';
/** A daemon in our own namespace, where all addresses are. */
function daemonFor(index: number, key: string, table: readonly string[]): TestDaemon {
  const port = 11_300 + index;
  serveAdmin(port, key, table);
  const daemon = new TestDaemon(new TestNode(index, folder, ''), 'cjdns');
  daemon.meshOptions = `\toption admin_address '127.0.0.1'\n\toption admin_port '${port}'\n`;
  return daemon;
}

const keys = nodes.map(({ key }) => key);
const others = members.map((index, i) => {
  const near = Array.from({ length: SMALL_TABLE - 2 }, (_, j) => keys[(index + 1 + j * 7) % TABLE]!);
  const friends = [1, 7].map((step) => keys[members[(i + step) % MEMBERS]!]!);
  return daemonFor(i + 1, keys[index]!, [...near, ...friends]);
});
for (const daemon of others) daemon.start();
await Promise.all(others.map((daemon) => daemon.join(30)));
await sleep(10_000);
const subject = daemonFor(0, own.key, keys);
subject.start();
const start = performance.now();
await subject.join();
let found = -1;
while (performance.now() - start < 90_000 && found < 0) {
  await subject.refresh();
  if (subject.members.length >= MEMBERS) found = Math.round(performance.now() - start);
  else await sleep(100);
}
bar(`all ${MEMBERS} of ${TABLE} found (${subject.members.length})`, found, 60_000);
const figures = await subject.call('metrics');
const kib = (of: Record<string, unknown>): number => Math.round(Number(of['residentBytes']) / 1024);
console.log(`then: ${String(figures['probesToSilent'])} probes, ${kib(figures)} KiB resident`);
await sleep(30_000);
const status = await subject.call('status');
const later = await subject.call('metrics');
const other = await others[0]!.call('metrics');
const mesh = (status['meshes'] as { candidates: number }[])[0]!;
const probes = String(later['probesToSilent']);
console.log(`30 s later: ${probes} probes, ${mesh.candidates} candidates, ${kib(later)} KiB resident`
  + ` (a daemon with ${SMALL_TABLE} candidates: ${kib(other)} KiB)`);
check('the whole table was read', mesh.candidates >= TABLE - 1);
check('every daemon still runs', [subject, ...others].every((daemon) => daemon.running()));
finish();
