/**
 * Hours in the life of a valley, as fast as they can be had: four daemons, and all the time people who come with a new nick,
 * open a channel of their own, talk in it and to a resident, set a topic and go; programs that join a new group, publish
 * and leave; a daemon that is killed and comes back. Residents of the three others talk meanwhile: each line must come to
 * each of them once, in order. Memory must come to rest: what a daemon holds after two thirds of the time is about what
 * it holds in the end.
 *   make soak MINUTES=60        (TJS=… or MESHCHAT_RUNTIME=node as ever)
 */
import { connect, type SocketClient } from '../../src/client/socket-client.ts';
import { ChatClient, pause, until } from './chat-client.ts';
import { IRC_PORT, residentKb, RUNTIME, type TestMesh, withMesh } from './first-light-nodes.ts';

const [minutes = 10] = process.argv.slice(2).filter((word) => word.startsWith('minutes=')).map((word) => Number(word.slice(8)));
const END = performance.now() + minutes * 60_000;
/** The last node is the one that dies. */
const NODES = 4;
const STEADY = NODES - 1;
const LINE_MS = 100;
const VISIT_MS = 60;
const KILL_MS = 60_000;
const REPORT_MS = 30_000;
/** Of a collector that frees in its own time, and of freed pages that stay with the process. */
const GROWTH_MAX = 0.1;

const faults: string[] = [];
const counts = { lines: 0, visits: 0, groups: 0, kills: 0 };
const running = (): boolean => performance.now() < END && faults.length === 0;

/** A resident: hears the others' numbers, and forgets the lines once they are checked. */
class Resident {
  readonly client: ChatClient;
  readonly #next = new Map<string, number>();
  readonly #from: ReadonlySet<string>;
  said = 0;

  constructor(client: ChatClient, from: readonly string[]) {
    this.client = client;
    this.#from = new Set(from);
  }

  say(): void {
    this.client.say(`line ${this.said++}`);
    counts.lines++;
  }

  check(): void {
    for (const { from, text } of this.client.said()) {
      const number = /^line (\d+)$/.exec(text)?.[1];
      if (!this.#from.has(from) || number === undefined) continue;
      const expected = this.#next.get(from) ?? 0;
      if (Number(number) !== expected) faults.push(`${this.client.nick} hears ${text} of ${from}, not ${expected}`);
      this.#next.set(from, Number(number) + 1);
    }
    for (const { text } of this.client.lines) if (/may be missing/.test(text)) this.#missed(text);
    this.client.lines.length = 0;
  }

  /** The one that dies may have said something that nobody has. */
  #missed(text: string): void {
    if ([...this.#from].some((nick) => text.includes(nick))) faults.push(`${this.client.nick} is told: ${text}`);
  }

  heardOf(nick: string): number {
    return this.#next.get(nick) ?? 0;
  }
}

let visitor = 0;
/** Whoever comes and goes: nothing of him may stay for ever. */
async function visit(mesh: TestMesh, residents: readonly Resident[]): Promise<void> {
  const number = ++visitor;
  const nick = `v${number.toString(36)}`;
  const resident = residents[number % residents.length] as Resident;
  const client = await ChatClient.join(mesh.node(number % STEADY).address, IRC_PORT, nick, `#of-${nick}`);
  client.send(`TOPIC #of-${nick} :the channel of ${nick}`, `PRIVMSG #of-${nick} :hello`, `PRIVMSG ${resident.client.nick} :hello`);
  client.send('JOIN #mesh', `WHOIS ${resident.client.nick}`, 'AWAY :gone', `NICK ${nick}x`);
  await client.answers();
  await pause(200);
  if (number % 3 === 0) client.drop();
  else client.send('QUIT :bye');
  await pause(100);
  client.close();
  counts.visits++;
}

async function programs(client: SocketClient): Promise<void> {
  while (running()) {
    const group = await client.join(`group ${++counts.groups}`, {});
    for (let i = 0; i < 5; i++) await group.publish(new TextEncoder().encode('x'.repeat(1 + 500 * i)));
    await pause(50);
    await group.leave();
    await pause(50);
  }
}

async function killings(mesh: TestMesh): Promise<void> {
  for (let at = performance.now() + KILL_MS; running(); await pause(200)) {
    if (performance.now() < at) continue;
    const { child, exited } = mesh.node(STEADY);
    child.kill('SIGKILL');
    await exited;
    await pause(1000);
    await mesh.listening([mesh.startNode(STEADY)]);
    counts.kills++;
    at = performance.now() + KILL_MS;
  }
}

async function repeat(everyMs: number, task: () => Promise<void> | void): Promise<void> {
  while (running()) {
    await task();
    await pause(everyMs);
  }
}

/** kB of each steady daemon, twice a minute. */
const memory: number[][] = [];
function report(mesh: TestMesh): void {
  const kb = mesh.nodes.slice(0, STEADY).map(({ child }) => residentKb(child.pid as number));
  memory.push(kb);
  const left = Math.max(0, (END - performance.now()) / 60_000).toFixed(1);
  console.log(`${left} min left: ${kb.join(' ')} kB; ${Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ')}`);
}

/** The most of a third of the time: of the second and of the last. */
function grown(): void {
  const third = Math.floor(memory.length / 3);
  for (let node = 0; node < STEADY; node++) {
    const most = (part: number[][]): number => Math.max(...part.map((kb) => kb[node] as number));
    const [middle, end] = [most(memory.slice(third, 2 * third)), most(memory.slice(2 * third))];
    console.log(`node ${node + 1}: ${middle} kB in the second third, ${end} kB in the last`);
    if (third >= 2 && end > middle * (1 + GROWTH_MAX)) faults.push(`node ${node + 1} grows: ${middle} -> ${end} kB`);
  }
}

async function live(mesh: TestMesh): Promise<void> {
  const nicks = Array.from({ length: STEADY }, (_, node) => `res${node + 1}`);
  const clients = await mesh.chatters(nicks);
  const residents = clients.map((client) => new Resident(client, nicks.filter((nick) => nick !== client.nick)));
  const client = await connect({ path: mesh.node(0).socketPath });
  const speaks = (): void => (residents[counts.lines % STEADY] as Resident).say();
  const checks = (): void => residents.forEach((one) => one.check());
  await Promise.all([
    repeat(LINE_MS, speaks), repeat(VISIT_MS, () => visit(mesh, residents)), repeat(VISIT_MS, () => visit(mesh, residents)),
    programs(client), killings(mesh), repeat(1000, checks), repeat(REPORT_MS, () => report(mesh)),
  ]);
  client.close();
  await until('the last lines have come', () => {
    checks();
    return faults.length > 0 || residents.every((hearer) => residents.every((one) => (
      one === hearer || hearer.heardOf(one.client.nick) === one.said)));
  }).catch((error: Error) => faults.push(error.message));
  grown();
}

const exits = await withMesh({ count: NODES }, live);
exits.forEach(({ status, signal }, node) => {
  if (status !== 0) faults.push(`node ${node + 1} ended with ${status ?? signal}`);
});
for (const fault of faults.slice(0, 20)) console.log(`FAULT ${fault}`);
console.log(`soak of ${minutes} minutes on ${RUNTIME}: ${Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ')}`);
console.log(`${faults.length === 0 ? 1 : 0} passed, ${faults.length === 0 ? 0 : 1} failed`);
process.exitCode = faults.length === 0 ? 0 : 1;
