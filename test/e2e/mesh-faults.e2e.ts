/**
 * What goes wrong with a mesh router, and that chat goes on: started late, killed and started again, its interface
 * down for a minute, another key. The router of the last node of a chain suffers; the first node says something every
 * half second. Chat must be back within 5 s after the mesh carries packets again, nobody may be called gone for an
 * outage under 75 s, and every message must arrive.
 *   node test/e2e/run.mjs mesh-faults       CJDROUTE=path for cjdns; NODES=n; ONLY=late,killed,down,key
 */
import { allPairs, bar, check, createDaemons, finish, pairs, startPinging } from './mesh-daemons.ts';
import { buildNet, enterNamespaces, sh, sleep, until } from './namespaces.ts';
import { chooseRouters } from './namespaces-routers.ts';

const RESUME_MS = 5000;
const LATE_MS = Number(process.env['LATE_MS'] ?? 30_000);
const DOWN_MS = Number(process.env['DOWN_MS'] ?? 60_000);
const KILLED_MS = 10_000;

enterNamespaces(400);
const only = process.env['ONLY']?.split(',') ?? ['late', 'killed', 'down', 'key'];
const count = Number(process.env['NODES'] ?? 4);
const net = buildNet('chain', count);
const chosen = chooseRouters(net);
if (chosen === undefined) process.exit(0);
const routers = chosen;
console.log(`${routers.version}, chain of ${count}`);
const daemons = createDaemons(net, routers.kind);
const sender = daemons[0]!;
const last = daemons[count - 1]!;
const lastIndex = count - 1;
for (const node of net.nodes) sh(`ip netns exec ${node.name} sysctl -qw net.ipv6.conf.default.keep_addr_on_down=1`);

for (const node of net.nodes.slice(0, lastIndex)) await routers.start(node.index);
await sleep(8000);
for (const daemon of daemons) daemon.start();
await Promise.all(daemons.map((daemon) => daemon.join()));
await allPairs(daemons.slice(0, lastIndex), routers, 30, performance.now());

let published = 0;
const talking = setInterval(() => {
  const failed = (error: unknown): void => console.log(`publish: ${String(error)}`);
  void last.group!.publish(`answer ${published}`).catch(failed);
  void sender.group!.publish(`line ${published++}`).catch(failed);
}, 500);

/** Runs `repair` and measures from the first ping that gets through to both ends hearing each other and all pairs. */
async function resumes(what: string, repair: () => Promise<void> | void): Promise<void> {
  const ping = startPinging(last.node, routers.addresses[0]!);
  await repair();
  const repaired = performance.now();
  const carried = await until(() => ping.through(), 120, repaired);
  const hears = (a: typeof last, b: number): boolean =>
    a.heard.some(({ source, at }) => source === routers.addresses[b] && at > repaired);
  const heard = await until(() => hears(last, 0) && hears(sender, lastIndex), 60, repaired);
  const listed = await allPairs(daemons, routers, 60, repaired);
  ping.child.kill();
  console.log(`  ${what}: the mesh carries packets after ${carried} ms, both ends hear each other after ${heard} ms,`
    + ` all are listed after ${listed} ms`);
  const back = heard < 0 || listed < 0 || carried < 0 ? -1 : Math.max(0, heard - carried, listed - carried);
  bar(`${what}: chat is back after the mesh`, back, RESUME_MS);
}

const goneEvents = (): number => daemons.reduce((sum, daemon) =>
  sum + daemon.events.filter(({ state }) => state === 'gone' || state === 'left').length, 0);

if (only.includes('late')) {
  await sleep(LATE_MS);
  await resumes(`router started ${LATE_MS / 1000} s late`, () => routers.start(lastIndex));
} else {
  await routers.start(lastIndex);
  await allPairs(daemons, routers, 60, performance.now());
}
const firstLine = published;
await sleep(3000);
if (only.includes('killed')) {
  await routers.stop(lastIndex, true);
  await sleep(KILLED_MS);
  check('while the router is away the daemon runs', last.running());
  await resumes(`router killed, started again after ${KILLED_MS / 1000} s`, () => routers.start(lastIndex));
}
if (only.includes('down')) {
  last.node.ip(`link set ${routers.device} down`);
  await sleep(DOWN_MS);
  await resumes(`interface down for ${DOWN_MS / 1000} s`, () => void last.node.ip(`link set ${routers.device} up`));
}
check(`nobody was called gone (${goneEvents()} events)`, goneEvents() === 0);
await sleep(5000);
const lastLine = published - 1;
await sleep(3000);
const numbers = (heard: { text: string; source: string }[]): number[] => heard
  .filter(({ source }) => source === routers.addresses[0]).map(({ text }) => Number(text.slice(5)));
for (const daemon of daemons.slice(1)) {
  const got = new Set(numbers(daemon.heard));
  let missing = 0;
  for (let line = firstLine; line < lastLine; line++) if (!got.has(line)) missing++;
  const doubled = numbers(daemon.heard).length - got.size;
  const text = `${missing} missing, ${doubled} doubled, ${daemon.gaps.length} gaps`;
  check(`node ${daemon.node.index} has every line from ${firstLine} to ${lastLine}: ${text}`, missing + doubled === 0);
}
if (only.includes('key')) {
  await routers.stop(lastIndex);
  routers.newKey(lastIndex);
  await resumes('another key', () => routers.start(lastIndex));
}
clearInterval(talking);
console.log(`pairs at the end: ${(await pairs(daemons, routers)).count} of ${count * (count - 1)}`);
check('every daemon still runs', daemons.every((daemon) => daemon.running()));
if (process.env['VERBOSE'] !== undefined) console.log(last.node.log('meshchat.log').slice(-4000));
finish();
