/**
 * Five daemons with three people each, a tenth of all datagrams lost, and for a while: splits, links cut, daemons killed and
 * started again, people who fight for nicks, leave and come back, change the topic, and talk all the time. Then everything
 * heals, and every node must have the same members, topic and history: nobody who is not there, no line lost or twice.
 * Only a line that no other node had shown when its daemon was killed may be lost.
 *   make chaos SECONDS=20 SEED=1      (TJS=… or MESHCHAT_RUNTIME=node as ever)
 */
import { pause } from './chat-client.ts';
import { agreement, Person, type Said } from './chaos-people.ts';
import { MESH_PORT, RUNTIME, type TestMesh, withMesh } from './first-light-nodes.ts';
import { enterOwnNetwork, seededRandom } from './relay.ts';

const options = { seconds: 20, seed: 1, loss: 0.1, nodes: 5, people: 3 };
for (const word of process.argv.slice(2)) {
  const [name, value] = word.split('=') as [keyof typeof options, string];
  if (name in options && value !== '') options[name] = Number(value);
}
const CONVERGE_MS_MAX = 90_000;
const NICKS = ['fight', 'rival', 'duel'];

const random = seededRandom(options.seed * 7919 + 1);
for (let i = 0; i < 20; i++) random();
const below = (count: number): number => Math.floor(random() * count);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

class Chaos {
  readonly mesh: TestMesh;
  readonly people: Person[] = [];
  readonly said: Said[] = [];
  readonly counts: Record<string, number> = {};
  readonly #cut = new Set<number>();
  readonly #dead = new Set<number>();
  /** What it had said before is kept by others only. */
  readonly #killedAt = new Map<number, number>();
  readonly #restarts: Promise<void>[] = [];
  topicCount = 0;

  constructor(mesh: TestMesh) {
    this.mesh = mesh;
  }

  async start(): Promise<void> {
    for (let node = 0; node < options.nodes; node++) {
      for (let i = 0; i < options.people; i++) this.people.push(new Person(this.mesh, node, `u${node + 1}${'abc'[i]}`, i === 0));
    }
    await Promise.all(this.people.map((person) => person.connect()));
  }

  async act(): Promise<void> {
    const roll = random();
    const person = pick(this.people);
    if (roll < 0.78) this.#say(person);
    else if (roll < 0.82) this.#nick(person);
    else if (roll < 0.85) this.#topic(person);
    else if (roll < 0.88) person.leaveOrReturn();
    else if (roll < 0.91) await person.reconnect();
    else if (roll < 0.94) this.#cutOrJoin();
    else if (roll < 0.96) this.#split();
    else this.#kill(below(options.nodes));
  }

  #count(what: string, detail: string | number = ''): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
    this.tell(what, detail);
  }
  tell(what: string, detail: string | number = ''): void {
    if (process.env['VERBOSE'] !== undefined) console.log(`${(performance.now() / 1000).toFixed(2)} L${this.said.length} ${what} ${detail}`);
  }

  #say(person: Person): void {
    if (!person.present) return;
    const text = `L${this.said.length} by ${person.user}`;
    this.said.push({ text, node: person.node, at: performance.now(), mayBeLost: false });
    person.client?.say(text);
  }

  #nick(person: Person): void {
    this.#count('nicks');
    const nick = pick(NICKS);
    const rival = pick(this.people);
    for (const one of [person, rival]) one.client?.send(`NICK ${nick}`);
  }

  #topic(person: Person): void {
    this.#count('topics');
    person.client?.send(`TOPIC #mesh :topic ${++this.topicCount} by ${person.user}`);
  }

  #cutOrJoin(): void {
    const node = below(options.nodes);
    if (this.#cut.has(node)) return this.#join(node);
    this.#count('cuts', node + 1);
    this.#cut.add(node);
    this.mesh.relay?.cut(node);
  }
  #join(node: number): void {
    this.tell('link back', node + 1);
    this.mesh.relay?.join(node);
    this.#cut.delete(node);
  }

  #split(): void {
    const side = Array.from({ length: options.nodes }, (_, node) => node).filter(() => random() < 0.5);
    this.#count('splits', side.map((node) => node + 1).join(','));
    this.mesh.relay?.split(side);
  }

  #kill(node: number): void {
    if (this.#dead.has(node)) return;
    this.#count('kills', node + 1);
    this.#dead.add(node);
    const others = this.people.filter((person) => person.node !== node && !this.#dead.has(person.node));
    const kept = new Set(others.flatMap((person) => person.everShown()));
    for (const line of this.said) {
      if (line.node !== node && !this.#dead.has(line.node) && line.at > (this.#killedAt.get(line.node) ?? 0)) kept.add(line.text);
    }
    this.#killedAt.set(node, performance.now());
    for (const line of this.said) if (!kept.has(line.text)) line.mayBeLost = true;
    for (const person of this.people) if (person.node === node) person.forget();
    this.mesh.node(node).child.kill('SIGKILL');
    this.#restarts.push(this.#restart(node, 200 + below(4000)));
  }

  async #restart(node: number, afterMs: number): Promise<void> {
    await this.mesh.node(node).exited;
    await pause(afterMs);
    await this.mesh.listening([this.mesh.startNode(node)]);
    this.#dead.delete(node);
    this.tell('started again', node + 1);
    await Promise.all(this.people.filter((person) => person.node === node).map((person) => person.connect()));
  }

  async heal(): Promise<void> {
    this.mesh.relay?.split([]);
    for (const node of [...this.#cut]) this.#join(node);
    await Promise.all(this.#restarts);
    for (const person of this.people) if (!person.present) await person.comeBack();
  }
}

async function run(mesh: TestMesh): Promise<void> {
  const chaos = new Chaos(mesh);
  await chaos.start();
  const end = performance.now() + options.seconds * 1000;
  while (performance.now() < end) {
    await chaos.act();
    await pause(30 + below(250));
  }
  await chaos.heal();
  const healedAt = performance.now();
  let faults: string[] = [];
  let agreedMs = -1;
  while (performance.now() - healedAt < CONVERGE_MS_MAX) {
    await pause(2000);
    faults = await agreement(mesh, chaos.people, chaos.said, options.nodes);
    if (faults.length === 0) {
      agreedMs = performance.now() - healedAt;
      break;
    }
  }
  const { said, counts } = chaos;
  const shown = new Set(chaos.people.flatMap((person) => person.everShown()));
  const mayBe = said.filter(({ mayBeLost }) => mayBeLost);
  const lost = mayBe.filter(({ text }) => !shown.has(text)).length;
  const restarts = mesh.nodes.flatMap(({ lines }) => lines).filter((line) => / error: | handler failed/.test(line));
  for (const line of restarts.slice(0, 5)) faults.push(`a daemon said: ${line}`);
  for (const fault of faults) console.log(`FAULT seed ${options.seed}: ${fault}`);
  const what = Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(', ');
  console.log(`${faults.length === 0 ? 'ok' : 'FAIL'} seed ${options.seed}, ${RUNTIME}: ${said.length} lines (${mayBe.length} may be lost, ${lost} are), ${what}; ` +
    `all agree ${agreedMs < 0 ? 'never' : `${(agreedMs / 1000).toFixed(0)} s`} after healing`);
  if (faults.length > 0) process.exitCode = 1;
}

const why = enterOwnNetwork(MESH_PORT);
if (why !== '') {
  console.log(`skipped: ${why}`);
} else {
  const args = ['--set', 'irc.playback_lines=1000', '--set', 'irc.history_lines=5000', '--set', 'irc.history_bytes=4194304'];
  await withMesh({ count: options.nodes, loss: options.loss, delayMs: 10, seed: options.seed, args }, run);
  process.exit();
}
